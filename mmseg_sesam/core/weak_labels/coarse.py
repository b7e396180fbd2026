"""Coarse masks: polygons inside of an object, away from its edge."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.core.depth import depth_in

# Tolerance of the polygon, as a share of its distance to the edge (our
# choice).
_TOLERANCE = 0.6


def draw_coarse(
    mask: np.ndarray, rng: np.random.Generator, margin: float
) -> np.ndarray:
    """Draws polygons in an object as an annotator in a hurry does.

    The object is eroded, and the outlines of the rest, holes included, are
    simplified to few corners (Douglas and Peucker, 1973). The procedure is
    our choice.

    Args:
        mask: (h, w) bool, the object.
        rng: varies the margin by up to a quarter.
        margin: distance of the polygons to the object's edge, as a share of
            the object's greatest depth.

    Returns:
        (h, w) bool, within the object; true at one pixel at least.

    Example:
        >>> mask = np.ones((9, 9), bool)
        >>> bool(draw_coarse(mask, np.random.default_rng(0), 0.3)[4, 4])
        True
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
