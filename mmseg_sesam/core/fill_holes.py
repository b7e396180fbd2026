"""Filling of holes that one class surrounds."""

from __future__ import annotations

import numpy as np
from skimage.measure import label as label_regions

# Pairs of views of an image: each pixel, and one of its four neighbours.
_BESIDE = (
    (np.s_[:-1], np.s_[1:]),
    (np.s_[1:], np.s_[:-1]),
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:, 1:], np.s_[:, :-1]),
)


def fill_holes(
    label: np.ndarray, purity: float, ignore_index: int = 255
) -> np.ndarray:
    """Fills unlabelled holes with the class that surrounds them.

    Segmenters leave holes where the texture differs, such as windows in a
    wall. Use it only for weak labels that mark every object; it would fill an
    object without a label. Source: our choice.

    Args:
        label: (H, W) uint8 class ids.
        purity: a hole, a 4-connected group of unlabelled pixels, is filled
            if at least this share of its labelled neighbours has one class.
        ignore_index: value of unlabelled pixels.

    Returns:
        (H, W) uint8; holes beside no label remain.

    Example:
        >>> label = np.array([[3, 3, 3], [3, 255, 3], [3, 3, 3]], np.uint8)
        >>> fill_holes(label, purity=0.6)[1]
        array([3, 3, 3], dtype=uint8)
    """
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
    fills = (total > 0) & (most >= purity * total)
    values = np.where(fills, counts.argmax(axis=1), ignore_index)
    return np.where(holes > 0, values[holes], label).astype(np.uint8)
