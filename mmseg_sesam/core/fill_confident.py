"""Labels from evidence alone, where it is confident."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.core.bands import count_values, row_bands
from mmseg_sesam.core.evidence import FLOOR, Evidence, cell_size
from mmseg_sesam.structures import UNLABELLED


def fill_confident(
    label: np.ndarray, evidence: Evidence, threshold: float
) -> np.ndarray:
    """Labels pixels for whose class the evidence is confident.

    No mask was reliable there, and the class is clear from colour, texture
    and place; of two classes, the one with the larger area elsewhere in the
    image is more likely. Source: our choice.

    Args:
        label: (H, W) uint8 class ids; labelled pixels keep their class.
        evidence: evidence for the classes, nothing where it does not fill.
        threshold: least probability of a class; 1 fills nothing.

    Returns:
        (H, W) uint8.
    """
    if not evidence.fills or threshold >= 1:
        return label
    areas = count_values(label)
    areas[UNLABELLED] = 0
    ids = np.flatnonzero(areas)
    ids = ids[ids < evidence.log_probabilities.shape[1]]
    # One class alone would be certain everywhere.
    if len(ids) < 2:
        return label
    # A compromise between clicks, whose masks tell little of areas, and
    # scribbles, whose masks tell much.
    odds = np.exp(evidence.log_probabilities[:, ids]) - FLOOR
    odds = odds * np.sqrt(areas[ids])
    odds /= np.maximum(odds.sum(axis=1, keepdims=True), 1e-9)
    shape = len(np.unique(evidence.rows)), len(np.unique(evidence.cols))
    shares = odds.T.astype(np.float32).reshape(-1, *shape)
    origin = int(evidence.rows[0]), int(evidence.cols[0])
    step = 2 * cell_size(label.shape)
    filled = label.copy()
    for rows in row_bands(label.shape):
        part = filled[rows]
        offset = origin[0] - rows.start, origin[1]
        best = _most_confident(shares, offset, step, part.shape, threshold)
        unlabelled = (part == UNLABELLED) & (best >= 0)
        part[unlabelled] = ids[best[unlabelled]]
    return filled


def _most_confident(
    shares: np.ndarray,
    origin: tuple[int, int],
    step: int,
    shape: tuple[int, int],
    threshold: float,
) -> np.ndarray:
    """Returns (h, w) int16 places of confident classes, -1 elsewhere.

    Args:
        shares: (C, r, c) float32 probabilities at the pixels with evidence.
        origin: row and column of the first such pixel.
        step: rows and columns from one such pixel to the next.
        shape: (h, w) of the result.
        threshold: least probability.
    """
    height, width = shape
    # From the pixels of the image to those with evidence.
    down, right = -origin[0] / step, -origin[1] / step
    resize = np.array([[1 / step, 0, right], [0, 1 / step, down]])
    best = np.full(shape, threshold, np.float32)
    places = np.full(shape, -1, np.int16)
    for place, share in enumerate(shares):
        probability = cv2.warpAffine(
            share,
            resize,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        places[probability > best] = place
        np.maximum(best, probability, out=best)
    return places
