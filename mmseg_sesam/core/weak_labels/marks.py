"""What the drawings of all kinds share: depth in an object, and a brush."""

from __future__ import annotations

import cv2
import numpy as np


def depth_in(mask: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the outside of an object.

    Args:
        mask: (h, w) bool; beyond the array is outside.

    Returns:
        (h, w) float32, in pixels; 0 outside.
    """
    padded = np.pad(mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return depth[1:-1, 1:-1]


def stamp(
    shape: tuple[int, int], coords: np.ndarray, reach: float
) -> np.ndarray:
    """Puts a round brush on each pixel of a list.

    Args:
        shape: (h, w) of the result, in pixels.
        coords: (N, 2) integer pixels as (row, col), all within `shape`.
        reach: the brush covers all pixels nearer than this; at 1 and less
            it is one pixel.

    Returns:
        (h, w) bool.
    """
    radius = max(int(np.ceil(reach)) - 1, 0)
    brush = np.stack(np.mgrid[-radius : radius + 1, -radius : radius + 1], -1)
    brush = brush[np.hypot(brush[..., 0], brush[..., 1]) < reach]
    marks = np.zeros(np.add(shape, 2 * radius), bool)
    covered = coords[:, None] + brush + radius
    marks[covered[..., 0], covered[..., 1]] = True
    return marks[radius : radius + shape[0], radius : radius + shape[1]]
