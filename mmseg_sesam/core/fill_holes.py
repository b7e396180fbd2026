"""Filling of holes that one class surrounds."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.core.bands import class_ids, row_bands
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.structures import UNLABELLED

# Least log-odds of the class in a hole (our choice).
_LEAST_ODDS = 0.5
# Most pixels of a hole that is filled without evidence, as large as a window
# in a wall (our choice). In very large images a car fits between two pixels
# with evidence.
_SMALL_HOLE = 32 * 32
# Holes compared at once, which bounds memory.
_HOLES_AT_ONCE = 256

# Pairs of views of an image: each pixel, and one of its four neighbours.
_BESIDE = (
    (np.s_[:-1], np.s_[1:]),
    (np.s_[1:], np.s_[:-1]),
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:, 1:], np.s_[:, :-1]),
)


def fill_holes(
    label: np.ndarray, purity: float, evidence: Evidence
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
            purity alone up to 32 x 32 pixels, and larger ones are not. If
            the evidence has no classes, no hole is filled.

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
    # OpenCV needs half of scikit-image's memory for its numbers.
    number, holes = cv2.connectedComponents(
        (label == UNLABELLED).view(np.uint8), connectivity=4
    )
    values, pure = _most_around(holes, number, label, purity)
    present = class_ids(label)
    own = holes[evidence.rows, evidence.cols]
    # Holes with evidence alone: an image may have many more small holes than
    # pixels with evidence, and `inside` has a row for each.
    compared = np.zeros(number, bool)
    compared[own] = True
    fills = pure & ~compared & (_areas(holes, number) <= _SMALL_HOLE)
    compared &= pure
    for class_id in np.unique(values[compared]):
        same = np.flatnonzero(compared & (values == class_id))
        for start in range(0, len(same), _HOLES_AT_ONCE):
            part = same[start : start + _HOLES_AT_ONCE]
            inside = own == part[:, None]
            odds = evidence.log_odds(inside, int(class_id), present)
            fills[part] = odds >= _LEAST_ODDS
    values = np.where(fills, values, UNLABELLED).astype(np.uint8)
    filled = label.copy()
    for rows in row_bands(label.shape):
        part = holes[rows]
        np.copyto(filled[rows], values[part], where=part > 0)
    return filled


def _areas(holes: np.ndarray, number: int) -> np.ndarray:
    """Returns (number,) pixels of each hole.

    OpenCV's statistics take memory for all holes in each of its threads.
    """
    areas = np.zeros(number, np.int64)
    for rows in row_bands(holes.shape):
        found, counts = np.unique(holes[rows], return_counts=True)
        areas[found] += counts
    return areas


def _most_around(
    holes: np.ndarray, number: int, label: np.ndarray, purity: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each hole the most frequent class around it.

    Args:
        holes: (H, W) int32, number of each pixel's hole, 0 outside.
        number: of holes, and one.
        label: (H, W) uint8 class ids.
        purity: see `fill_holes`.

    Returns:
        (number,) class, and (number,) bool, whether its share of the hole's
        labelled neighbours is at least `purity`.
    """
    # Pairs of a hole and a class beside it, with the number of neighbours.
    pairs, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    height = len(label)
    for rows in row_bands(label.shape):
        # Neighbours may lie in the rows beside the band. Only holes of the
        # band itself count.
        first, last = max(rows.start - 1, 0), min(rows.stop + 1, height)
        inside, around = holes[first:last].copy(), label[first:last]
        if first < rows.start:
            inside[0] = 0
        if last > rows.stop:
            inside[-1] = 0
        found = [pairs]
        for here, there in _BESIDE:
            touches = (inside[here] > 0) & (around[there] != UNLABELLED)
            codes = inside[here][touches].astype(np.int64) * 256
            found.append(codes + around[there][touches])
        weights = np.ones(sum(map(len, found)), np.int64)
        weights[: len(pairs)] = counts
        pairs, places = np.unique(np.concatenate(found), return_inverse=True)
        counts = np.bincount(places, weights).astype(np.int64)
    hole, class_id = np.divmod(pairs, 256)
    total = np.bincount(hole, counts, number)
    # The last of a hole's pairs has most neighbours, the lowest id of a tie.
    order = np.lexsort((-class_id, counts, hole))
    values, most = np.zeros((2, number), np.int64)
    values[hole[order]] = class_id[order]
    most[hole[order]] = counts[order]
    return values, (total > 0) & (most >= purity * total)
