"""Results of runs -> tables in Markdown. What was not run is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev

from mmengine.config import Config

from mmseg_sesam.annotations.cost import RATES
from mmseg_sesam.annotations.mixes import RATE_OF_KIND

from .rows import ABLATIONS, BUDGETS, DENSE_ROWS, ROWS, WEAK, Row
from .sets import ALL_SETS, SETS
from .setting import CONFIGS

# To classify a random pixel (docs/class_shares.md).
SECONDS_A_PIXEL = 2.4
# Results of a data set: the runs of each row, in the order of their seeds.
Results = dict[str, list[dict]]


def hours(
    labels: Mapping[str, int], rates: Mapping[str, str] = RATE_OF_KIND
) -> float:
    """Returns the hours of labelling.

    Args:
        labels: number of images by kind of label.
        rates: name of the time for an image of each kind; those of CamVid by
            default.
    """
    return sum(
        RATES[rates[kind]].hours(number) for kind, number in labels.items()
    )


def last(runs: list[dict], score: str = 'miou') -> list[float]:
    """Returns a score of the last validation of each run."""
    return [run['val'][-1][score] for run in runs]


def compare_budgets(results: Results) -> str:
    """The best rows on half of CamVid's size that some hours buy."""
    measured = []
    for row, runs in results.items():
        if not (labels := runs[0].get('labels')):
            continue
        time = hours(labels)
        words = ', '.join(f'{n} {kind}' for kind, n in labels.items())
        alone = sum(labels.values()) < runs[0]['images'] and not (
            ROWS['half-camvid'][row].mix.unlabelled
        )
        words += ', the others not used' if alone else ''
        measured.append((mean(last(runs)), time, words, runs))
    rows = []
    for budget in (2, 5, 20):
        bought = [one for one in measured if one[1] <= budget * 1.005]
        bought.sort(key=lambda one: one[0], reverse=True)
        for _, time, words, runs in bought[:8]:
            rows.append((f'{budget}', words, f'{time:.1f}', _cell(runs)))
    return _table(('hours', 'labelled images', 'spent', 'val mIoU'), rows)


def describe_sets(results: dict[str, Results]) -> str:
    """What each data set is, and how networks are trained on it."""
    rows = []
    for name in results:
        one = SETS[name]
        cfg = Config.fromfile(CONFIGS / 'sesam' / f'{one.config}_full.py')
        (scale,) = (
            step['scale']
            for step in cfg.dense_pipeline
            if step['type'] == 'RandomResize'
        )
        height, width = cfg.crop_size
        rows.append(
            (
                *(one.title, one.about, one.classes, str(one.steps)),
                *(f'{scale[0]} x {scale[1]}', f'{width} x {height}'),
            )
        )
    names = ('set', 'images and weak labels', 'classes', 'steps', 'scaled to')
    return _table((*names, 'crop'), rows)


def summarise(results: dict[str, Results]) -> str:
    """SeSAM against dense labels, and against weak labels alone."""
    rows = []
    for name, found in results.items():
        for kind in SETS[name].kinds:
            sesam, weak = f'sesam-{kind}', _best_weak(found, kind)
            if sesam not in found:
                continue
            dense = found.get(best_dense(found))
            rows.append(
                (
                    *(SETS[name].title, kind, _cell(dense)),
                    *(_cell(found.get(weak)), _cell(found[sesam])),
                    *(_share(found, sesam), _difference(found, sesam, weak)),
                )
            )
    names = ('set', 'labels', 'dense', 'weak only', 'SeSAM', 'of dense')
    return _table((*names, 'SeSAM - weak only'), rows)


def compare(name: str, results: Results) -> str:
    """All rows of a data set but ablations and budgets."""
    rates, dice = ALL_SETS[name].rates, ALL_SETS[name].volume is not None
    rows = []
    for row, recipe in ROWS[name].items():
        if row in {**ABLATIONS, **BUDGETS} or row not in results:
            continue
        runs, total = results[row], results[row][0]['images']
        kind = 'dense' if row in DENSE_ROWS else row.rpartition('-')[2]
        labels = {kind: total}
        if recipe.mix is not None:
            labels = recipe.mix.labels(total)
        cells = [' + '.join(labels), recipe.about]
        cells += [_cell(runs), _share(results, row)]
        if dice:
            cells.append(_cell(runs, 'dice'))
        if rates:
            cells += _time_cells(recipe, hours(labels, rates), runs)
        rows.append(cells)
    names = ['labels', 'trained with', 'val mIoU', 'of dense']
    names += ['Dice'] * dice + ['hours', 'mIoU per hour'] * bool(rates)
    return _table(names, rows)


def _time_cells(recipe: Row, time: float, runs: list[dict]) -> list[str]:
    """Hours of a row's labels, and mIoU per hour."""
    if recipe.shares and not recipe.pixels:
        # Nobody knows the exact shares without dense labels.
        return ['', '']
    time += recipe.pixels * SECONDS_A_PIXEL / 3600
    told = f'{time:.0f}' if time >= 100 else f'{time:.1f}'
    return [told, f'{mean(last(runs)) / time:.2g}']


def compare_rounds(results: dict[str, Results]) -> str:
    """Quality of the pseudo-labels, round by round, of SeSAM's first seed.

    Results say coverage for what pages call labelled, and precision for
    right (docs/glossary.md).
    """
    rows = []
    for name, found in results.items():
        for kind in SETS[name].kinds:
            first, *_ = found.get(f'sesam-{kind}', [dict(rounds=[])])
            if rounds := first['rounds']:
                cells = (
                    ', '.join(f'{quality[measure]:.1f}' for quality in rounds)
                    for measure in ('coverage', 'precision', 'iou')
                )
                rows.append((SETS[name].title, kind, *cells))
    names = ('labelled in rounds 0, 1, 2', 'right', 'IoU')
    return _table(('set', 'labels', *names), rows)


def compare_ablations(results: Results) -> str:
    """SeSAM on CamVid's scribbles without one of its parts."""
    whole = 'sesam-scribble'
    rows = [
        (row.about, _cell(results[name]), _difference(results, name, whole))
        for name, row in ABLATIONS.items()
        if name in results
    ]
    rows.insert(0, ('as above', _cell(results.get(whole)), ''))
    return _table(('SeSAM on scribbles', 'val mIoU', 'difference'), rows)


def best_dense(results: Results) -> str | None:
    """The row with the highest mIoU among those of dense labels."""
    return _best(results, DENSE_ROWS)


def _best_weak(results: Results, kind: str) -> str | None:
    """The row with the highest mIoU among those of weak labels alone."""
    return _best(results, (f'{start}-{kind}' for start in WEAK))


def _best(results: Results, rows: Iterable[str]) -> str | None:
    return max(
        filter(results.get, rows),
        key=lambda row: mean(last(results[row])),
        default=None,
    )


def _cell(runs: list[dict] | None, score: str = 'miou') -> str:
    """Mean over seeds, and how they differ."""
    if not runs:
        return ''
    return spread(last(runs, score))


def spread(values: list[float]) -> str:
    """Returns mean, deviation and number of the seeds' values.

    A deviation of two values would say more than they do: both are told.
    """
    if len(values) < 2:
        return ''.join(f'{value:.1f} (1 seed)' for value in values)
    if len(values) == 2:
        return '{:.1f} ({:.1f}, {:.1f})'.format(mean(values), *values)
    return f'{mean(values):.1f} ± {stdev(values):.1f} ({len(values)} seeds)'


def _share(results: Results, row: str) -> str:
    """Score as a share of that of dense labels, with the same seeds."""
    dense = best_dense(results)
    means = _means_of_common_seeds(results, row, dense)
    return (
        '' if row == dense or means is None else f'{means[0] / means[1]:.1%}'
    )


def _difference(results: Results, row: str, other: str | None) -> str:
    """Mean difference to another row, with the same seeds."""
    means = _means_of_common_seeds(results, row, other)
    return '' if means is None else f'{means[0] - means[1]:+.1f}'


def _means_of_common_seeds(
    results: Results, *rows: str | None
) -> list[float] | None:
    """Mean score of each row over the seeds that all have; None without."""
    scores = [
        {run['seed']: run['val'][-1]['miou'] for run in results.get(row, [])}
        for row in rows
    ]
    seeds = set.intersection(*map(set, scores))
    return (
        [mean(of[seed] for seed in seeds) for of in scores] if seeds else None
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [
        ''.join(f'| {cell} ' if cell else '| ' for cell in cells) + '|'
        for cells in (names, *rows)
    ]
    lines.insert(1, '|---' * len(names) + '|')
    return '\n'.join(lines)
