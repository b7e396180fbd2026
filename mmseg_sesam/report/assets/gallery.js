// Images with their labels, prompts and components.

const gallery = read('gallery-data');
const { images, classes, palette } = gallery;
const groupNames = Object.keys(gallery.groups);
const state = {
  group: groupNames[0], place: 0, on: new Set(), prompts: false,
  compare: '', only: null, lastCompare: '',
};
const layerNames = [...new Set(images.flatMap((image) => image.layers.map((l) => l.name)))];
const roundNames = Object.keys(images[0].records);
const comparisons = listComparisons();
let image = null; // the one on the stage
let maps = {}; // its layers by name, class ids

function listComparisons() {
  const has = (name) => layerNames.includes(name);
  const last = roundNames[roundNames.length - 1];
  const pairs = [];
  if (last && has('truth')) pairs.push([last, 'truth']);
  if (has('prediction') && has('truth')) pairs.push(['prediction', 'truth']);
  for (let i = 1; i < roundNames.length; i++) pairs.push([roundNames[i], roundNames[i - 1]]);
  if (roundNames.length > 2) pairs.push([last, roundNames[0]]);
  if (last && has('prediction')) pairs.push(['prediction', last]);
  return pairs;
}

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function decode(entry) {
  const decoded = await Promise.all(entry.layers.map((layer) => inflate(layer.data)));
  return Object.fromEntries(entry.layers.map((layer, i) => [layer.name, decoded[i]]));
}

/** Draws class ids, or colours by pixel, onto a canvas. */
function paint(canvas, [width, height], colourOf, alpha) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const colour = colourOf(i);
    if (colour) pixels.data.set([colour[0], colour[1], colour[2], alpha], 4 * i);
  }
  context.putImageData(pixels, 0, 0);
}

function colourOfClass(id) {
  const hidden = id === UNLABELLED || (state.only !== null && id !== state.only);
  return hidden ? null : palette[id];
}

/** The layers shown of the image; validation images have no rounds. */
function layersOn() {
  const active = layerNames.filter((name) => state.on.has(name) && maps[name]);
  if (active.length || !state.on.size) return active;
  return maps.prediction ? ['prediction'] : [];
}

/** Whether the image has both layers of a comparison. */
function comparable(pair) {
  return pair.every((name) => maps[name]);
}

function paintLabels() {
  const alpha = Math.round(2.55 * byId('opacity').value);
  if (state.compare !== '') {
    const [one, two] = comparisons[state.compare].map((name) => maps[name]);
    const strict = comparisons[state.compare][1] === 'truth';
    paint(byId('labels'), image.shape, (i) => difference(one[i], two[i], strict), 230);
    return;
  }
  // The last layer of the list is on top.
  const active = layersOn().reverse();
  paint(byId('labels'), image.shape, (i) => {
    const top = active.find((name) => maps[name][i] !== UNLABELLED);
    return top ? colourOfClass(maps[top][i]) : null;
  }, alpha);
}

function difference(one, two, strict) {
  if (one === two || (strict && two === UNLABELLED)) return null;
  if (one === UNLABELLED) return [63, 127, 191];
  return two === UNLABELLED ? [224, 161, 0] : [214, 50, 60];
}

/** The round whose records are shown: the topmost one that is on. */
function topRound() {
  const active = roundNames.filter((name) => state.on.has(name));
  return active.length ? active[active.length - 1] : roundNames[roundNames.length - 1];
}

function components() {
  return image.records[topRound()] ?? [];
}

const SUGGESTED = 'label next';
const SVG = 'http://www.w3.org/2000/svg';

function drawPrompts() {
  const svg = byId('prompts');
  svg.replaceChildren();
  svg.setAttribute('viewBox', `0 0 ${image.size[0]} ${image.size[1]}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.style.display = state.prompts ? '' : 'none';
  if (!state.prompts) return;
  for (const record of components()) {
    dots(svg, record.points, record.chosen.length ? 'halo' : 'halo fallen');
    dots(svg, record.points, 'dot').style.stroke = `rgb(${palette[record.class_id]})`;
  }
}

/** Shows why to label the image next, and frames the regions to look at. */
function drawSuggestion() {
  const wanted = state.group === SUGGESTED ? image.suggestion : undefined;
  const svg = byId('regions');
  svg.replaceChildren();
  svg.setAttribute('viewBox', `0 0 ${image.size[0]} ${image.size[1]}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  byId('reason').hidden = !wanted;
  if (!wanted) return;
  for (const { box: [left, top, right, bottom] } of wanted.regions) {
    frame(svg, { x: left, y: top, width: right - left, height: bottom - top });
  }
  byId('reason').textContent = `${wanted.reason}.`;
}

function frame(svg, place) {
  const rect = document.createElementNS(SVG, 'rect');
  for (const [name, value] of Object.entries(place)) rect.setAttribute(name, value);
  svg.append(rect);
}

function dots(svg, points, kind) {
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('class', kind);
  path.setAttribute('d', points.map(([x, y]) => `M${x + 0.5} ${y + 0.5}h0`).join(''));
  svg.append(path);
  return path;
}

/** Says what lies under the pointer: a class on each layer, a component. */
function point(event) {
  const box = byId('stage').getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width;
  const y = (event.clientY - box.top) / box.height;
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return;
  const [width, height] = image.shape;
  const index = Math.floor(y * height) * width + Math.floor(x * width);
  for (const span of byId('layers').querySelectorAll('span[data-layer]')) {
    const id = maps[span.dataset.layer]?.[index];
    span.textContent = id === undefined || id === UNLABELLED ? '–' : classes[id];
  }
  describe(nearest(x * image.size[0], y * image.size[1]));
}

function nearest(x, y) {
  const reach = image.size[0] / 40;
  let best = null;
  let least = Infinity;
  for (const record of components()) {
    const [top, left, bottom, right] = record.bbox;
    const near = x >= left - reach && x <= right + reach && y >= top - reach && y <= bottom + reach;
    if (!near) continue;
    for (const [px, py] of record.points) {
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [best, least] = [record, distance];
    }
  }
  return best;
}

// Fields that `describe` shows in its own words, or not at all.
const HIDDEN = ['class_id', 'bbox', 'points', 'chosen', 'area', 'mask_area', 'from_person'];

// Counts such as the verdicts as 'taken 1, too much conflict 2'.
function asText(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value).map(([name, count]) => `${name}\u00a0${count}`).join(', ');
}

function describe(record) {
  const panel = byId('record');
  panel.replaceChildren();
  byId('prompts').querySelector('rect')?.remove();
  if (!record) {
    const hint = Object.keys(image.records).length ? 'Point at a component of the weak label to read its record.' : '';
    panel.append(element('p', { class: 'muted' }, hint));
    return;
  }
  const [top, left, bottom, right] = record.bbox;
  frame(byId('prompts'), { x: left, y: top, width: right - left, height: bottom - top });
  const count = record.chosen.length;
  const rows = [
    ['labelled by', record.from_person === false ? 'the teacher' : 'a person'],
    ['labelled pixels', record.area.toLocaleString('en')],
    ['points', record.points.length],
    ['masks chosen', count || 'none: keeps its own pixels'],
    ['pixels of the mask', record.mask_area.toLocaleString('en')],
    ...Object.entries(record).filter(([name]) => !HIDDEN.includes(name))
      .map(([name, value]) => [name.replaceAll('_', ' '), asText(value)]),
  ];
  const title = element('b', {}, swatch(record.class_id), `${classes[record.class_id]}, ${topRound()}`);
  const body = rows.map(([name, value]) => element('tr', {}, element('td', {}, name), element('td', {}, String(value))));
  panel.append(title, element('table', {}, element('tbody', {}, ...body)));
}

function swatch(id) {
  const made = element('i', { class: 'swatch' });
  made.style.background = `rgb(${palette[id]})`;
  return made;
}

function press(button, pressed) {
  button.setAttribute('aria-pressed', String(pressed));
}

function showButtons() {
  for (const button of byId('groups').children) press(button, button.dataset.group === state.group);
  const active = layersOn();
  for (const button of byId('layers').children) {
    const name = button.dataset.layer;
    press(button, name === 'prompts' ? state.prompts : active.includes(name));
  }
  for (const button of byId('legend').children) press(button, Number(button.dataset.class) === state.only);
  byId('compare').value = String(state.compare);
  byId('compare-legend').hidden = state.compare === '';
}

function redraw() {
  showButtons();
  paintLabels();
  drawPrompts();
  drawSuggestion();
  describe(null);
}

function drawThumbnails() {
  for (const button of byId('layers').children) {
    const name = button.dataset.layer;
    const canvas = button.querySelector('canvas');
    if (!canvas) continue;
    button.hidden = !maps[name];
    if (maps[name]) paint(canvas, image.shape, (i) => (maps[name][i] === UNLABELLED ? null : palette[maps[name][i]]), 255);
  }
  for (const option of byId('compare').options) {
    option.disabled = option.value !== '' && !comparable(comparisons[option.value]);
  }
  const prompts = byId('layers').querySelector('button[data-layer=prompts]');
  if (prompts) prompts.hidden = !Object.keys(image.records).length;
  const seen = new Set(Object.values(maps).flatMap((map) => [...new Set(map)]));
  for (const button of byId('legend').children) {
    button.classList.toggle('absent', !seen.has(Number(button.dataset.class)));
  }
}

let request = 0;

async function show() {
  const group = gallery.groups[state.group];
  const wanted = ++request;
  const next = images[group[state.place]];
  const decoded = await decode(next);
  // The user chose another image meanwhile.
  if (wanted !== request) return;
  image = next;
  maps = decoded;
  byId('photo').src = image.jpeg;
  byId('photo').alt = image.name;
  byId('photo').style.aspectRatio = image.size.join(' / ');
  // Limits the height, so that a portrait fits the window.
  byId('stage').style.maxWidth = `${(80 * image.size[0]) / image.size[1]}vh`;
  byId('place').textContent = `${state.place + 1} / ${group.length}`;
  const facts = [image.name];
  if (image.score !== undefined) facts.push(`${image.measure} ${(100 * image.score).toFixed(1)} %`);
  if (image.changed) facts.push(`${(100 * image.changed).toFixed(1)} % of pixels changed since ${roundNames[0]}`);
  if (image.limit) facts.push(image.limit);
  byId('caption').textContent = facts.join(' · ');
  if (state.compare !== '' && !comparable(comparisons[state.compare])) state.compare = '';
  drawThumbnails();
  redraw();
  byId('stage').dataset.shown = image.name;
}

function move(by) {
  const count = gallery.groups[state.group].length;
  state.place = (state.place + by + count) % count;
  return show();
}

function choose(group) {
  state.group = group;
  state.place = 0;
  return show();
}

function toggle(name) {
  // A layer shown in place of a missing one becomes the chosen layer.
  if (name !== 'prompts' && state.on.size) state.on = new Set(layersOn());
  if (name === 'prompts') state.prompts = !state.prompts;
  else if (!state.on.delete(name)) state.on.add(name);
  if (name !== 'prompts') state.compare = '';
  redraw();
}

function compare(value) {
  state.compare = value === '' ? '' : Number(value);
  if (value !== '') state.lastCompare = state.compare;
  redraw();
}

/** Switches between no comparison and the last one that the image allows. */
function compareLast() {
  const possible = comparisons.map((_, i) => i).filter((i) => comparable(comparisons[i]));
  const next = possible.includes(state.lastCompare) ? state.lastCompare : possible[0];
  compare(state.compare === '' && next !== undefined ? String(next) : '');
}

function buildGallery() {
  for (const name of groupNames) {
    const button = element('button', { 'data-group': name }, name);
    button.onclick = () => choose(name);
    byId('groups').append(button);
  }
  layerNames.forEach((name, number) => {
    const title = element('b', {}, name);
    if (number < 9) title.append(element('kbd', {}, String(number + 1)));
    const button = element('button', { 'data-layer': name }, element('canvas'), title, element('span', { 'data-layer': name }));
    button.onclick = () => toggle(name);
    byId('layers').append(button);
  });
  if (roundNames.length) {
    const title = element('b', {}, 'prompts', element('kbd', {}, 'P'));
    const button = element('button', { 'data-layer': 'prompts' }, title, element('span', {}, 'of each component; black: it fell back'));
    button.onclick = () => toggle('prompts');
    byId('layers').append(button);
  }
  classes.forEach((name, id) => {
    const button = element('button', { 'data-class': id }, swatch(id), name);
    button.onclick = () => {
      state.only = state.only === id ? null : id;
      redraw();
    };
    byId('legend').append(button);
  });
  byId('compare').append(element('option', { value: '' }, 'off'));
  comparisons.forEach(([one, two], i) => byId('compare').append(element('option', { value: i }, `${one} against ${two}`)));
  byId('compare-row').hidden = !comparisons.length;
  byId('compare').onchange = (event) => compare(event.target.value);
  byId('opacity').oninput = paintLabels;
  byId('previous').onclick = () => move(-1);
  byId('next').onclick = () => move(1);
  byId('stage').onpointermove = point;
  byId('stage').onpointerdown = point;
  document.addEventListener('keydown', onKey);
  state.on.add(topRound() ?? layerNames[0]);
  return show();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.matches('input, select')) return;
  const actions = {
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    g: () => choose(groupNames[(groupNames.indexOf(state.group) + 1) % groupNames.length]),
    p: () => roundNames.length && toggle('prompts'),
    d: () => compareLast(),
    0: () => { state.on.clear(); state.compare = ''; redraw(); },
  };
  layerNames.slice(0, 9).forEach((name, i) => { actions[i + 1] = () => maps[name] && toggle(name); });
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

if (window.DecompressionStream) buildGallery();
else byId('caption').textContent = 'The layers need a browser of 2023 or later.';
