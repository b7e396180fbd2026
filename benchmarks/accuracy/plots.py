"""Results of CamVid's runs -> the plots of docs/accuracy.md."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from mmseg_sesam.annotations.mixes import IMAGES
from mmseg_sesam.structures import DENSE

from .rows import ROWS
from .sets import SETS
from .tables import Results, best_dense, hours, last


def draw_budget(results: Results, out: Path) -> None:
    """Draws val mIoU on CamVid over hours of annotation.

    Args:
        results: of CamVid, from `load_results`.
        out: PNG to be written.
    """
    figure, axes = plt.subplots(figsize=(6, 3.6), layout='constrained')
    for prefix, marker in (('weak', 'o'), ('sesam', 's')):
        points = [
            (hours({kind: IMAGES}), mean(last(results[row])))
            for kind in SETS['camvid'].kinds
            if results.get(row := f'{prefix}-{kind}')
        ]
        if points:
            label = ROWS['camvid'][f'{prefix}-point'].about
            axes.plot(*zip(*sorted(points)), marker=marker, label=label)
    if dense := best_dense(results):
        full = mean(last(results[dense]))
        axes.plot(
            hours({DENSE: IMAGES}), full, marker='*', label='dense labels'
        )
        axes.axhline(full, linewidth=0.5, linestyle=':')
    axes.set(xscale='log', xlabel='hours of annotation', ylabel='val mIoU (%)')
    axes.legend(frameon=False)
    figure.savefig(out, dpi=120)
    plt.close(figure)


def watched_runs(results: Results) -> dict[str, list[dict]]:
    """Returns records of `WatchHook` by kind of label, of SeSAM's runs."""
    return {
        kind: run['watch']
        for kind in SETS['camvid'].kinds
        for run in results.get(f'sesam-{kind}', [])[::-1]
        if run['watch']
    }


def draw_watch(runs: dict[str, list[dict]], out: Path) -> None:
    """Draws what the student learns from right and from wrong pseudo-labels.

    Args:
        runs: from `watched_runs`, one or more.
        out: PNG to be written.
    """
    figure, axes = plt.subplots(
        1,
        len(runs),
        figsize=(3.4 * len(runs) + 0.6, 3.2),
        layout='constrained',
        sharey=True,
        squeeze=False,
    )
    for axis, (kind, records) in zip(axes[0], runs.items()):
        steps = [record['step'] for record in records]
        for part, style in (('right', '-'), ('wrong', '--')):
            follows = [record['pseudo'][part]['follows'] for record in records]
            shares = [None if f is None else 100 * f for f in follows]
            label = f'predicted as {part} pseudo-labels say'
            axis.plot(steps, shares, style, color='C1', label=label)
        accuracy = [100 * record['student'] for record in records]
        axis.plot(steps, accuracy, color='C0', label='predicted right')
        axis.set(title=kind, xlabel='step')
    axes[0, 0].set(ylabel='pixels of training images (%)')
    axes[0, -1].legend(frameon=False, fontsize='small')
    figure.savefig(out, dpi=120)
    plt.close(figure)
