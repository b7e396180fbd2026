"""Points: dots near the middle of an object, or anywhere in it."""

from __future__ import annotations

import numpy as np

from mmseg_sesam.core.weak_labels.marks import depth_in, stamp

PLACEMENTS = ('centre', 'random')


def draw_points(
    mask: np.ndarray,
    rng: np.random.Generator,
    number: int,
    placement: str,
    radius: int,
) -> np.ndarray:
    """Clicks into an object.

    Each click of an annotator goes near the middle: to one of the pixels
    with more than 0.7 of the greatest depth in the object, the earlier
    clicks cut out. How is our choice.

    Args:
        mask: (h, w) bool, the object.
        rng: chooses the pixels.
        number: of dots; fewer where the object has fewer pixels.
        placement: 'centre', or 'random' for any pixel of the object.
        radius: of a dot, in pixels; 0 draws single pixels.

    Returns:
        (h, w) bool, within the object; true at one pixel at least.
    """
    free, points = mask.copy(), []
    for _ in range(min(number, int(mask.sum()))):
        depth = depth_in(free) if placement == 'centre' else free
        points.append(rng.choice(np.argwhere(depth > 0.7 * depth.max())))
        free[tuple(points[-1])] = False
    return stamp(mask.shape, np.array(points), radius + 0.5) & mask
