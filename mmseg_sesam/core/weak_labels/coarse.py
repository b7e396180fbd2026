"""Coarse masks: polygons inside of an object, away from its edge."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.core.weak_labels.marks import depth_in

# Tolerance of the polygon, as a share of its distance to the edge.
_TOLERANCE = 0.6


def draw_coarse(
    mask: np.ndarray, rng: np.random.Generator, margin: float
) -> np.ndarray:
    """Draws the polygons of an object as someone in a hurry would.

    The object is eroded; the outlines that are left, holes included, are
    simplified to few corners (Douglas and Peucker, 1973). How is our choice.

    Args:
        mask: (h, w) bool, the object.
        rng: varies the margin by up to a quarter.
        margin: share of the object's greatest depth by which the polygons
            keep away from its edge.

    Returns:
        (h, w) bool, within the object; true at one pixel at least.
    """
    depth = depth_in(mask)
    distance = margin * rng.uniform(0.75, 1.25) * float(depth.max())
    core = depth > distance
    outlines, _ = cv2.findContours(
        core.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    polygons = [
        cv2.approxPolyDP(outline, _TOLERANCE * distance, True)
        for outline in outlines
    ]
    filled = cv2.fillPoly(np.zeros(mask.shape, np.uint8), polygons, 1) > 0
    marks = filled & mask
    return marks if marks.any() else core
