"""Guesses the kind of weak labels from their pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from scipy import ndimage

# Limits between the kinds (our choice).
_DENSE = 0.95
_POINT_SIDE = 15
_STROKE_RATIO = 6
# What labels of each kind look like, for the reasons in a plan.
KIND_REASON = dict(
    dense='dense labels',
    coarse='coarse masks',
    scribble='strokes',
    point='points',
)


def guess_kind(labels: Iterable[np.ndarray], scale: float = 1) -> str:
    """Returns 'dense', 'coarse', 'scribble' or 'point'.

    Labels are dense if nearly all pixels have a class. Else the most frequent
    form of the connected parts decides: a part is a point if its box is
    small, a scribble if it is much longer than thick, and coarse otherwise.

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
    labelled = pixels = 0
    for label in labels:
        labelled += int((label != 255).sum())
        pixels += label.size
        for class_id in np.unique(label[label != 255]):
            forms.update(_forms(label == class_id, scale))
    if labelled >= _DENSE * pixels:
        return 'dense'
    # The order of the names settles a draw.
    return max(('coarse', 'scribble', 'point'), key=lambda name: forms[name])


def _forms(mask: np.ndarray, scale: float) -> list[str]:
    """Returns the form of each 8-connected part of a mask."""
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    areas = np.bincount(parts.ravel())[1:]
    forms = []
    for area, box in zip(areas, ndimage.find_objects(parts)):
        length = max(side.stop - side.start for side in box)
        if length <= _POINT_SIDE * scale:
            forms.append('point')
        elif length * length >= _STROKE_RATIO * area:
            forms.append('scribble')
        else:
            forms.append('coarse')
    return forms
