// Draws the plots, and again when the browser becomes dark.

const plotData = read('plot-data');
const dark = window.matchMedia('(prefers-color-scheme: dark)');

function drawPlots() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: colour('--line'), linecolor: colour('--line'), zerolinecolor: colour('--line') };
  for (const node of document.querySelectorAll('.plot')) {
    const name = node.dataset.plot;
    const figure = name in plotData ? plotData[name] : plotData.curves[name].figure;
    // Plotly resets the height of its layout when the window is resized.
    node.style.height = `${figure.layout.height}px`;
    const layout = {
      ...figure.layout,
      template: {},
      font: { color: colour('--text'), size: 12, family: getComputedStyle(document.body).fontFamily },
      paper_bgcolor: 'transparent',
      plot_bgcolor: 'transparent',
      xaxis: { ...axis, ...figure.layout.xaxis },
      yaxis: { ...axis, ...figure.layout.yaxis },
      hoverlabel: { bgcolor: colour('--surface'), bordercolor: colour('--line'), font: { color: colour('--text') } },
    };
    for (const trace of figure.data) {
      if (trace.type === 'heatmap') trace.colorscale = [[0, colour('--surface')], [1, colour('--accent')]];
    }
    Plotly.react(node, figure.data, layout, { displayModeBar: false, responsive: true });
  }
}

dark.addEventListener('change', drawPlots);
drawPlots();
