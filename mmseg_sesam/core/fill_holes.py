"""Filling of holes that one class surrounds."""

from __future__ import annotations

import numpy as np
from skimage.measure import label as label_regions

from mmseg_sesam.core.evidence import Evidence

# Least log-odds of the class in a hole (our choice).
_LEAST_ODDS = 0.5

# Pairs of views of an image: each pixel, and one of its four neighbours.
_BESIDE = (
    (np.s_[:-1], np.s_[1:]),
    (np.s_[1:], np.s_[:-1]),
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:, 1:], np.s_[:, :-1]),
)


def fill_holes(
    label: np.ndarray,
    purity: float,
    evidence: Evidence,
    ignore_index: int = 255,
) -> np.ndarray:
    """Fills unlabelled holes with the class that surrounds them.

    Segmenters leave holes where the texture differs, such as windows in a
    wall. Source: our choice.

    Args:
        label: (H, W) uint8 class ids.
        purity: a hole, a 4-connected group of unlabelled pixels, is filled
            if at least this share of its labelled neighbours has one class.
        evidence: a hole is filled only if evidence favours the class
            there. Holes that contain no pixel with evidence are filled by
            purity alone. If the evidence has no classes, no hole is filled.
        ignore_index: value of unlabelled pixels.

    Returns:
        (H, W) uint8; holes beside no label remain.

    Example:
        >>> label = np.array([[3, 3, 3], [3, 255, 3], [3, 3, 3]], np.uint8)
        >>> evidence = Evidence.of(label.shape, np.array([[0, 0, 0, 1]] * 4))
        >>> fill_holes(label, 0.6, evidence)[1]
        array([3, 3, 3], dtype=uint8)
    """
    if not evidence.known:
        return label
    holes = label_regions(label == ignore_index, connectivity=1)
    found, classes = [], []
    for here, there in _BESIDE:
        touches = (holes[here] > 0) & (label[there] != ignore_index)
        found.append(holes[here][touches])
        classes.append(label[there][touches])
    # A 2D histogram of hole and class beside it.
    codes = np.concatenate(found) * 256 + np.concatenate(classes)
    number = holes.max() + 1
    counts = np.bincount(codes, minlength=number * 256).reshape(number, 256)
    total, most = counts.sum(axis=1), counts.max(axis=1)
    values = counts.argmax(axis=1)
    fills = (total > 0) & (most >= purity * total)
    present = np.unique(label[label != ignore_index]).astype(int)
    own = holes[evidence.rows, evidence.cols]
    # Holes with evidence alone: an image may have many more small holes than
    # pixels with evidence, and `inside` has a row for each.
    compared = np.zeros(number, bool)
    compared[own] = True
    compared &= fills
    for class_id in np.unique(values[compared]):
        filled = np.flatnonzero(compared & (values == class_id))
        inside = own == filled[:, None]
        odds = evidence.log_odds(inside, int(class_id), present)
        fills[filled] = odds >= _LEAST_ODDS
    values = np.where(fills, values, ignore_index)
    return np.where(holes > 0, values[holes], label).astype(np.uint8)
