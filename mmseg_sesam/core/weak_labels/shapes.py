"""Coarse masks and blocks; the round brush of points and strokes."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.core.depth import depth_in

# Tolerance of a polygon, as a share of its distance to the edge (our choice).
_TOLERANCE = 0.6


def draw_coarse(
    mask: np.ndarray, rng: np.random.Generator, margin: float
) -> np.ndarray:
    """Returns (h, w) bool polygons in an object, as drawn in a hurry.

    The object is eroded by `margin`, a share of its greatest depth that
    varies by up to a quarter. The outlines of the rest, holes included, are
    simplified to few corners (Douglas and Peucker, 1973). The procedure is
    our choice.
    """
    depth = depth_in(mask)
    distance = margin * rng.uniform(0.75, 1.25) * float(depth.max())
    eroded = depth > distance
    outlines, _ = cv2.findContours(
        eroded.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    polygons = [
        cv2.approxPolyDP(outline, _TOLERANCE * distance, True)
        for outline in outlines
    ]
    filled = cv2.fillPoly(np.zeros(mask.shape, np.uint8), polygons, 1) > 0
    drawn = filled & mask
    return drawn if drawn.any() else eroded


def draw_block(mask: np.ndarray, share: float) -> np.ndarray:
    """Returns (h, w) bool, a share of an object's pixels, the innermost ones.

    The shares 0.1, 0.2 and 0.5 follow the block-wise setting of TEL (Liang
    et al., CVPR 2022), which simulates its annotations as well; taking the
    innermost pixels is our choice.

    Example:
        >>> int(draw_block(np.ones((1, 5), bool), 0.2).sum())
        1
    """
    depth = depth_in(mask).ravel()
    number = max(round(share * int(mask.sum())), 1)
    drawn = np.zeros(mask.size, bool)
    drawn[np.argsort(-depth, kind='stable')[:number]] = True
    return drawn.reshape(mask.shape)


def stamp(
    shape: tuple[int, int], coords: np.ndarray, width: int
) -> np.ndarray:
    """Returns the (h, w) bool pixels that a round brush covers.

    Args:
        shape: (h, w) of the result.
        coords: (N, 2) integer pixels as (row, col), all within `shape`.
        width: diameter of the brush in pixels, from 1. The middle of an even
            brush lies half a pixel below and to the right of each place.

    Example:
        >>> stamp((1, 4), np.array([[0, 1]]), 3).tolist()
        [[True, True, True, False]]
    """
    radius = width // 2
    brush = np.stack(np.mgrid[-radius : radius + 1, -radius : radius + 1], -1)
    brush = brush.reshape(-1, 2)
    middle = 0 if width % 2 else 0.5
    brush = brush[np.hypot(*(brush - middle).T) < width / 2]
    drawn = np.zeros(np.add(shape, 2 * radius), bool)
    covered = coords[:, None] + brush + radius
    drawn[covered[..., 0], covered[..., 1]] = True
    return drawn[radius : radius + shape[0], radius : radius + shape[1]]
