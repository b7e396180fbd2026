"""Mixes of kinds of labels: what measured trainings say of a budget."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from mmseg_sesam.annotations.cost import Rate

# The measured set, its images, and the rates of its kinds: none is published
# for it, so that they are those of the nearest data sets.
SET, IMAGES = 'CamVid', 367
RATE_OF_KIND = dict(
    dense='cityscapes-fine',
    coarse='cityscapes-coarse',
    scribble='voc-scribble',
    point='voc-point',
)
_FILES = 'half-camvid-*-superpixel-s800-seed*.json'


class Measured(NamedTuple):
    """A training that was measured.

    Attributes:
        shares: share of the images by kind of label.
        miou: mean mIoU of its seeds, in percent.
        seeds: number of seeds.
    """

    shares: Mapping[str, float]
    miou: float
    seeds: int

    def seconds(self, rates: Mapping[str, Rate]) -> float:
        """Returns the seconds of labelling for an image of the set."""
        return sum(
            share * rates[RATE_OF_KIND[kind]].seconds
            for kind, share in self.shares.items()
        )


class Advice(NamedTuple):
    """The best known mix for a budget.

    Attributes:
        shares: share of the images by kind of label.
        seconds: of labelling for an image of the set.
        miou: in percent.
        between: the measured trainings it lies between; one if it was
            measured itself.
    """

    shares: dict[str, float]
    seconds: float
    miou: float
    between: tuple[Measured, ...]


def read_measured(folder: Path) -> list[Measured]:
    """Returns the trainings on which a plan rests.

    Their images have half the size of CamVid's, to train on many mixes. Of
    trainings with the same labels it is the best one.

    Args:
        folder: results of the accuracy benchmark.

    Raises:
        FileNotFoundError: the folder has none.
    """
    found, shares = defaultdict(list), {}
    for path in sorted(folder.glob(_FILES)):
        result = json.loads(path.read_text(encoding='utf-8'))
        if labels := result.get('labels'):
            shares[result['row']] = {
                kind: number / result['images']
                for kind, number in labels.items()
            }
            found[result['row']].append(result['val'][-1]['miou'])
    rows = [
        Measured(shares[row], mean(mious), len(mious))
        for row, mious in found.items()
    ]
    if not rows:
        raise FileNotFoundError(
            f'{folder} has no results {_FILES}, on which a plan rests; start '
            'the tool in a checkout of the repository.'
        )
    rows.sort(key=lambda row: row.miou)
    # The last one of the same labels stays.
    return [*{frozenset(row.shares.items()): row for row in rows}.values()]


def best_mix(
    measured: Sequence[Measured],
    seconds: float,
    rates: Mapping[str, Rate],
) -> Advice | None:
    """Returns the mix of the highest mIoU that a budget buys.

    It is None where no training as cheap was measured. Trainings that cost
    more than others and are worse are left out. Between two neighbours of the
    rest the images are divided, and the mIoU is interpolated, unless such a
    training was measured.

    Args:
        measured: trainings.
        seconds: of labelling for an image of the set.
        rates: by name.

    Example:
        >>> rates = {'voc-point': Rate(10, ''), 'voc-scribble': Rate(30, '')}
        >>> rows = [Measured({'point': 1}, 40, 1),
        ...         Measured({'scribble': 1}, 60, 1)]
        >>> best_mix(rows, 20, rates).miou
        50.0
    """
    hull = _upper_hull(measured, rates)
    costs = [row.seconds(rates) for row in hull]
    if seconds < costs[0]:
        return None
    last = max(i for i, cost in enumerate(costs) if cost <= seconds)
    below = hull[last]
    if last + 1 == len(hull) or costs[last] == seconds:
        return Advice(dict(below.shares), costs[last], below.miou, (below,))
    above = hull[last + 1]
    part = (seconds - costs[last]) / (costs[last + 1] - costs[last])
    shares = {
        kind: (1 - part) * below.shares.get(kind, 0)
        + part * above.shares.get(kind, 0)
        for kind in {**below.shares, **above.shares}
    }
    for row in measured:
        cost = row.seconds(rates)
        if cost <= seconds and _is_mix(row, shares):
            return Advice(dict(row.shares), cost, row.miou, (row,))
    miou = (1 - part) * below.miou + part * above.miou
    return Advice(shares, seconds, miou, (below, above))


def single_kinds(
    measured: Sequence[Measured], hours: float, rates: Mapping[str, Rate]
) -> dict[str, Measured]:
    """Returns the trainings on one kind of labels that fit some hours.

    They tell what a number of labels gave, also where the hours are too few
    for every measured share of a user's many images.

    Args:
        measured: trainings.
        hours: of labelling.
        rates: by name.

    Returns:
        By kind, the training with the most labelled images among those whose
        labels take no more hours.

    Example:
        >>> rates = {'voc-point': Rate(10, ''), 'voc-scribble': Rate(30, '')}
        >>> rows = [Measured({'point': 0.5}, 40, 1),
        ...         Measured({'scribble': 0.5}, 60, 1)]
        >>> list(single_kinds(rows, 1, rates))
        ['point']
    """
    found = {}
    for row in sorted(measured, key=lambda row: sum(row.shares.values())):
        kind, *others = row.shares
        number = round(row.shares[kind] * IMAGES)
        if not others and number <= rates[RATE_OF_KIND[kind]].images(hours):
            found[kind] = row
    return found


def _is_mix(row: Measured, shares: Mapping[str, float]) -> bool:
    """Returns whether a training had a mix, up to one image of the set."""
    kinds = {**row.shares, **shares}
    return all(
        abs(row.shares.get(kind, 0) - shares.get(kind, 0)) < 1 / IMAGES
        for kind in kinds
    )


def _upper_hull(
    measured: Sequence[Measured], rates: Mapping[str, Rate]
) -> list[Measured]:
    """Returns trainings that no mix of others beats, the cheapest first."""
    rows = sorted(measured, key=lambda row: (row.seconds(rates), -row.miou))
    hull: list[Measured] = []
    for row in rows:
        if hull and row.miou <= hull[-1].miou:
            continue
        while len(hull) > 1 and _slope(hull[-2], row, rates) >= _slope(
            hull[-2], hull[-1], rates
        ):
            hull.pop()
        hull.append(row)
    return hull


def _slope(
    below: Measured, above: Measured, rates: Mapping[str, Rate]
) -> float:
    """Returns points of mIoU for a second."""
    return (above.miou - below.miou) / (
        above.seconds(rates) - below.seconds(rates)
    )
