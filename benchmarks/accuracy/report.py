"""Results of all runs -> docs/accuracy.md and its plot."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from mmseg_sesam.annotations.cost import RATES

from .rows import ABLATIONS, KINDS, ROWS

# No rate is published for CamVid: those of the nearest data sets.
KIND_RATES = dict(
    full='cityscapes-fine',
    coarse='cityscapes-coarse',
    scribble='voc-scribble',
    point='voc-point',
)
IMAGES = 367
NOT_RUN = 'not run yet'


def load_results(
    folder: Path, segmenter: str, steps: int
) -> dict[str, list[dict]]:
    """Reads the results of runs of one length.

    Args:
        folder: of the JSON files.
        segmenter: of the runs.
        steps: of the runs.

    Returns:
        Results by row, in the order of their seeds.
    """
    results = defaultdict(list)
    for path in sorted(folder.glob(f'*-{segmenter}-s{steps}-seed*.json')):
        result = json.loads(path.read_text())
        results[result['row']].append(result)
    return results


def write_report(results: dict[str, list[dict]], template: str) -> str:
    """Fills the tables into the page.

    Args:
        results: from `load_results`.
        template: Markdown with {comparison}, {rounds} and {ablations}.

    Returns:
        Markdown.
    """
    return template.format(
        comparison=_comparison(results),
        rounds=_rounds(results),
        ablations=_ablations(results),
    )


def draw_budget(results: dict[str, list[dict]], out: Path) -> None:
    """Draws val mIoU over hours of annotation.

    Args:
        results: from `load_results`.
        out: PNG to be written.
    """
    figure, axes = plt.subplots(figsize=(6, 3.6), layout='constrained')
    for prefix, marker in (('weak', 'o'), ('sesam', 's')):
        points = [
            (_hours(kind), _miou(results[row])[0])
            for kind in KINDS
            if results.get(row := f'{prefix}-{kind}')
        ]
        if points:
            label = ROWS[f'{prefix}-{KINDS[0]}'].about
            axes.plot(*zip(*sorted(points)), marker=marker, label=label)
    if results.get('full'):
        full = _miou(results['full'])[0]
        axes.plot(_hours('full'), full, marker='*', label='dense labels')
        axes.axhline(full, linewidth=0.5, linestyle=':')
    axes.set(xscale='log', xlabel='hours of annotation', ylabel='val mIoU (%)')
    axes.legend(frameon=False)
    figure.savefig(out, dpi=120)
    plt.close(figure)


def _hours(kind: str) -> float:
    return RATES[KIND_RATES[kind]].hours(IMAGES)


def _miou(runs: list[dict]) -> tuple[float, float | None]:
    """Mean over seeds of the last val mIoU, and its deviation."""
    values = [run['val'][-1]['miou'] for run in runs]
    return mean(values), stdev(values) if len(values) > 1 else None


def _cell(runs: list[dict] | None) -> str:
    if not runs:
        return NOT_RUN
    value, deviation = _miou(runs)
    if deviation is None:
        return f'{value:.1f} (1 seed)'
    return f'{value:.1f} ± {deviation:.1f} ({len(runs)} seeds)'


def _share(results: dict[str, list[dict]], row: str) -> str:
    if not (results.get(row) and results.get('full')):
        return ''
    share = _miou(results[row])[0] / _miou(results['full'])[0]
    return f'{share:.1%}'


def _per_hour(results: dict[str, list[dict]], row: str, kind: str) -> str:
    if not results.get(row):
        return ''
    return f'{_miou(results[row])[0] / _hours(kind):.2g}'


def _comparison(results: dict[str, list[dict]]) -> str:
    lines = [
        '| labels | trained with | val mIoU | of dense | hours '
        '| mIoU per hour |',
        '|---|---|---|---|---|---|',
        f'| dense | | {_cell(results.get("full"))} | | {_hours("full"):.0f} '
        f'| {_per_hour(results, "full", "full")} |',
    ]
    for kind in KINDS:
        for prefix in ('weak', 'teacher', 'gated-crf', 'offline', 'sesam'):
            row = f'{prefix}-{kind}'
            lines.append(
                f'| {kind} | {ROWS[row].about} | {_cell(results.get(row))} | '
                f'{_share(results, row)} | {_hours(kind):.1f} | '
                f'{_per_hour(results, row, kind)} |'
            )
    return '\n'.join(lines)


def _rounds(results: dict[str, list[dict]]) -> str:
    lines = [
        '| labels | round | labelled | right | IoU |',
        '|---|---|---|---|---|',
    ]
    for kind in KINDS:
        runs = results.get(f'sesam-{kind}')
        if not runs:
            lines.append(f'| {kind} | {NOT_RUN} | | | |')
            continue
        for index, quality in enumerate(runs[0]['rounds']):
            numbers = (quality[n] for n in ('coverage', 'precision', 'iou'))
            cells = ' | '.join(f'{number:.1f}' for number in numbers)
            lines.append(f'| {kind} | {index} | {cells} |')
    return '\n'.join(lines)


def _ablations(results: dict[str, list[dict]]) -> str:
    lines = [
        '| SeSAM on scribbles | val mIoU | difference |',
        '|---|---|---|',
        f'| as above | {_cell(results.get("sesam-scribble"))} | |',
    ]
    for name, row in ABLATIONS.items():
        lines.append(
            f'| {row.about} | {_cell(results.get(name))} | '
            f'{_difference(results, name)} |'
        )
    return '\n'.join(lines)


def _difference(results: dict[str, list[dict]], name: str) -> str:
    """Mean difference to SeSAM on scribbles of the same seeds."""
    whole = {run['seed']: run for run in results.get('sesam-scribble', [])}
    pairs = [
        (run, whole[run['seed']])
        for run in results.get(name, [])
        if run['seed'] in whole
    ]
    if not pairs:
        return ''
    changed, unchanged = map(list, zip(*pairs))
    return f'{_miou(changed)[0] - _miou(unchanged)[0]:+.1f}'
