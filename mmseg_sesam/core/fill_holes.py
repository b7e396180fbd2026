"""Closing of gaps that one class surrounds."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from skimage.measure import label as label_regions

# Views of an image that put each pixel beside its four neighbours.
_BESIDE = (
    (np.s_[:-1], np.s_[1:]),
    (np.s_[1:], np.s_[:-1]),
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:, 1:], np.s_[:, :-1]),
)


def fill_holes(
    label: np.ndarray, purity: float, ignore_index: int = 255
) -> np.ndarray:
    """Gives unlabelled gaps the class that surrounds them.

    Segmenters leave holes where the texture differs, windows in a wall for
    one. Only for weak labels that mark every object: one without any mark
    would be taken for a hole. Source: our choice.

    Args:
        label: (H, W) uint8 class ids.
        purity: a gap, a 4-connected group of unlabelled pixels, is filled
            if at least this share of its labelled neighbours has one class.
        ignore_index: the value of unlabelled pixels.

    Returns:
        (H, W) uint8; gaps that touch no label remain.
    """
    gaps = label_regions(label == ignore_index, connectivity=1)
    found, classes = [], []
    for here, there in _BESIDE:
        touches = (gaps[here] > 0) & (label[there] != ignore_index)
        found.append(gaps[here][touches])
        classes.append(label[there][touches])
    borders = np.concatenate(found), np.concatenate(classes)
    counts = coo_matrix(
        (np.ones(len(borders[0]), np.int64), borders),
        shape=(gaps.max() + 1, 256),
    ).toarray()
    total, most = counts.sum(axis=1), counts.max(axis=1)
    fills = (total > 0) & (most >= purity * total)
    values = np.where(fills, counts.argmax(axis=1), ignore_index)
    return np.where(gaps > 0, values[gaps], label).astype(np.uint8)
