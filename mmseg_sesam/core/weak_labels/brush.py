"""The round brush that draws strokes and dots."""

from __future__ import annotations

import numpy as np


def stamp(
    shape: tuple[int, int], coords: np.ndarray, reach: float
) -> np.ndarray:
    """Returns the pixels that a round brush covers on a list of pixels.

    Args:
        shape: (h, w) of the result, in pixels.
        coords: (N, 2) integer pixels as (row, col), all within `shape`.
        reach: radius of the brush in pixels; up to 1 the brush is one pixel.

    Returns:
        (h, w) bool.

    Example:
        >>> stamp((1, 4), np.array([[0, 1]]), 1.5).tolist()
        [[True, True, True, False]]
    """
    radius = max(int(np.ceil(reach)) - 1, 0)
    brush = np.stack(np.mgrid[-radius : radius + 1, -radius : radius + 1], -1)
    brush = brush[np.hypot(brush[..., 0], brush[..., 1]) < reach]
    drawn = np.zeros(np.add(shape, 2 * radius), bool)
    covered = coords[:, None] + brush + radius
    drawn[covered[..., 0], covered[..., 1]] = True
    return drawn[radius : radius + shape[0], radius : radius + shape[1]]
