"""Results of all runs -> docs/accuracy.md and its plot."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from .rows import ROWS
from .sets import SETS
from .tables import (
    Results,
    compare,
    compare_ablations,
    compare_rounds,
    describe_sets,
    hours,
    last,
    summarise,
)


def load_results(
    folder: Path, name: str, segmenter: str, steps: int
) -> Results:
    """Reads the results of a data set's runs of one length.

    Args:
        folder: of the JSON files.
        name: of the data set, one of `SETS`.
        segmenter: of the runs.
        steps: of the runs.

    Returns:
        Results by row, in the order of their seeds.
    """
    results = defaultdict(list)
    runs = f'{name}-*-{segmenter}-s{steps}-seed*.json'
    for path in sorted(folder.glob(runs)):
        result = json.loads(path.read_text())
        results[result['row']].append(result)
    return dict(results)


def write_report(results: dict[str, Results], template: str) -> str:
    """Fills the tables into the page.

    Args:
        results: from `load_results`, by the name of the data set.
        template: Markdown with {sets}, {summary}, {camvid}, {rounds},
            {ablations} and {others}.

    Returns:
        Markdown. Rows and data sets without results are left out.
    """
    camvid = results.get('camvid', {})
    others = [
        f'### {SETS[name].title}\n\n{compare(name, found)}\n\n'
        f'{compare_rounds(name, found)}\n\n'
        for name, found in results.items()
        if name != 'camvid'
    ]
    return template.format(
        sets=describe_sets(results),
        summary=summarise(results),
        camvid=compare('camvid', camvid),
        rounds=compare_rounds('camvid', camvid),
        ablations=compare_ablations(camvid),
        others=''.join(others),
    )


def draw_budget(results: Results, out: Path) -> None:
    """Draws val mIoU on CamVid over hours of annotation.

    Args:
        results: of CamVid, from `load_results`.
        out: PNG to be written.
    """
    figure, axes = plt.subplots(figsize=(6, 3.6), layout='constrained')
    for prefix, marker in (('weak', 'o'), ('sesam', 's')):
        points = [
            (hours(kind), mean(last(results[row])))
            for kind in SETS['camvid'].kinds
            if results.get(row := f'{prefix}-{kind}')
        ]
        if points:
            label = ROWS['camvid'][f'{prefix}-point'].about
            axes.plot(*zip(*sorted(points)), marker=marker, label=label)
    if results.get('full'):
        full = mean(last(results['full']))
        axes.plot(hours('full'), full, marker='*', label='dense labels')
        axes.axhline(full, linewidth=0.5, linestyle=':')
    axes.set(xscale='log', xlabel='hours of annotation', ylabel='val mIoU (%)')
    axes.legend(frameon=False)
    figure.savefig(out, dpi=120)
    plt.close(figure)
