"""Labels from evidence alone, where it is confident."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.core.evidence import FLOOR, Evidence, cell_size


def fill_confident(
    label: np.ndarray,
    evidence: Evidence,
    threshold: float,
    ignore_index: int = 255,
) -> np.ndarray:
    """Labels pixels for whose class the evidence is confident.

    No mask was reliable there, and the class is clear from colour, texture
    and place; of two classes, the one with the larger area elsewhere in the
    image is more likely. Source: our choice.

    Args:
        label: (H, W) uint8 class ids; labelled pixels keep their class.
        evidence: evidence for the classes, nothing where it does not fill.
        threshold: least probability of a class; 1 fills nothing.
        ignore_index: value of unlabelled pixels.

    Returns:
        (H, W) uint8.
    """
    if not evidence.fills or threshold >= 1:
        return label
    height, width = label.shape
    step = 2 * cell_size(label.shape)
    shape = len(np.unique(evidence.rows)), len(np.unique(evidence.cols))
    # From the pixels of the image to those with evidence.
    down, right = -evidence.rows[0] / step, -evidence.cols[0] / step
    resize = np.array([[1 / step, 0, right], [0, 1 / step, down]])
    labelled = label != ignore_index
    ids, areas = np.unique(label[labelled], return_counts=True)
    known = ids < evidence.log_probabilities.shape[1]
    ids, areas = ids[known], areas[known]
    # One class alone would be certain everywhere.
    if len(ids) < 2:
        return label
    # A compromise between clicks, whose masks tell little of areas, and
    # scribbles, whose masks tell much.
    odds = np.exp(evidence.log_probabilities[:, ids]) - FLOOR
    odds = odds * np.sqrt(areas)
    odds /= np.maximum(odds.sum(axis=1, keepdims=True), 1e-9)
    best = np.full(label.shape, threshold, np.float32)
    filled = np.full(label.shape, ignore_index, np.uint8)
    for class_id, share in zip(ids, odds.T):
        probability = cv2.warpAffine(
            share.reshape(shape).astype(np.float32),
            resize,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        filled[probability > best] = class_id
        np.maximum(best, probability, out=best)
    return np.where(labelled, label, filled).astype(np.uint8)
