"""Guesses the kind of weak labels from their pixels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from mmseg_sesam.start.sizes import MAX_SIDE
from mmseg_sesam.structures import UNLABELLED

# Limits between the kinds (our choice).
_DENSE = 0.95
_POINT_SIDE = 15
_STROKE_RATIO = 6
# Labels that are opened.
_SAMPLES = 50
# What labels of each kind look like, for the reasons in a plan.
KIND_REASON = dict(
    dense='dense labels',
    coarse='coarse masks',
    scribble='strokes',
    point='points',
)
# Kinds of labels whose IoU would say nothing of areas.
THIN = ('scribble', 'point')


def guess_kind(labels: Iterable[np.ndarray], scale: float = 1) -> str:
    """Returns 'dense', 'coarse', 'scribble' or 'point'.

    Labels are dense if nearly all pixels have a class. Else the forms of the
    connected parts decide: a part is a point if its box is small, a scribble
    if it is much longer than thick, and coarse otherwise. Labels are points
    if these have most of the labelled pixels, as small objects have masks of
    the size of points. Else the most frequent of the other forms decides.

    Args:
        labels: (H, W) class ids, 255 = unlabelled.
        scale: factor by which points were drawn larger than usual.

    Example:
        >>> label = np.full((50, 50), 255, np.uint8)
        >>> label[10:12, 5:40] = 1
        >>> guess_kind([label])
        'scribble'
    """
    forms: Counter[str] = Counter()
    areas: Counter[str] = Counter()
    labelled = pixels = 0
    for label in labels:
        labelled += int((label != UNLABELLED).sum())
        pixels += label.size
        # Connected parts of large labels take a second a label.
        step = math.ceil(max(label.shape) / MAX_SIDE)
        label = _shrink(label, step)
        for class_id in np.unique(label[label != UNLABELLED]):
            for form, area in _forms(label == class_id, scale / step):
                forms[form] += 1
                areas[form] += area
    if labelled >= _DENSE * pixels:
        return 'dense'
    if areas['point'] > sum(areas.values()) / 2:
        return 'point'
    # The order of the names settles a draw.
    return max(('coarse', 'scribble'), key=lambda name: forms[name])


def spaced(values: list) -> list:
    """Returns evenly spaced values of a list, few enough to guess from."""
    return values[:: max(-(-len(values) // _SAMPLES), 1)]


def _shrink(label: np.ndarray, step: int) -> np.ndarray:
    """Returns the lowest id of each block of `step` x `step` pixels.

    Unlike nearest neighbours it keeps points and thin lines, because 255 is
    the highest id.
    """
    for axis, side in enumerate(label.shape):
        begins = np.arange(0, side, step)
        label = np.minimum.reduceat(label, begins, axis)
    return label


def _forms(mask: np.ndarray, scale: float) -> list[tuple[str, int]]:
    """Returns form and area of each 8-connected part of a mask."""
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    areas = np.bincount(parts.ravel())[1:]
    forms = []
    for area, box in zip(areas, ndimage.find_objects(parts)):
        length = max(side.stop - side.start for side in box)
        if length <= _POINT_SIDE * scale:
            forms.append(('point', int(area)))
        elif length * length >= _STROKE_RATIO * area:
            forms.append(('scribble', int(area)))
        else:
            forms.append(('coarse', int(area)))
    return forms
