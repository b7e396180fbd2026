"""Points: dots near the middle of an object, or anywhere in it."""

from __future__ import annotations

import numpy as np

from mmseg_sesam.core.depth import depth_in
from mmseg_sesam.core.weak_labels.brush import stamp

PLACEMENTS = ('centre', 'random')


def draw_points(
    mask: np.ndarray,
    rng: np.random.Generator,
    number: int,
    placement: str,
    radius: int,
) -> np.ndarray:
    """Draws dots in an object, as an annotator clicks on it.

    A dot near the middle is drawn at one of the pixels with more than 0.7 of
    the greatest depth in the object without the earlier dots. The procedure
    and the number are our choice.

    Args:
        mask: (h, w) bool, the object.
        rng: chooses the pixels.
        number: number of dots; an object of fewer pixels gets fewer.
        placement: 'centre', or 'random' for any pixel of the object.
        radius: radius of a dot in pixels; 0 draws single pixels.

    Returns:
        (h, w) bool, within the object; true at one pixel at least.

    Example:
        >>> mask, rng = np.ones((9, 9), bool), np.random.default_rng(0)
        >>> int(draw_points(mask, rng, 2, 'random', 0).sum())
        2
    """
    free, points = mask.copy(), []
    for _ in range(min(number, int(mask.sum()))):
        depth = depth_in(free) if placement == 'centre' else free
        points.append(rng.choice(np.argwhere(depth > 0.7 * depth.max())))
        free[tuple(points[-1])] = False
    return stamp(mask.shape, np.array(points), radius + 0.5) & mask
