"""A model's confident predictions -> an enriched weak label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmseg_sesam.structures import UNLABELLED

# Share of each class's pixels that unlabelled images keep at least (our
# choice).
_KEPT = 0.5


def class_thresholds(
    probability: np.ndarray, enrich_threshold: float | Sequence[float]
) -> np.ndarray:
    """Returns the least probability of each class in unlabelled images.

    A teacher is confident of frequent classes long before it is of rare
    ones, which one threshold would leave out. So half of the pixels of each
    predicted class are kept, the most probable ones, and all that reach
    `enrich_threshold`. Source: class-balanced self-training (Zou et al., ECCV
    2018); the half is our choice.

    Args:
        probability: (P, C) float in [0, 1] of some pixels; those with an
            undefined probability do not count.
        enrich_threshold: see `enrich`.

    Returns:
        (C,) float.

    Example:
        >>> probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
        >>> class_thresholds(probability, 0.95).round(2).tolist()
        [0.85, 0.6]
    """
    best, ids = probability.max(axis=1), probability.argmax(axis=1)
    # A single NaN would make the median of its class undefined.
    defined = np.isfinite(best)
    best, ids = best[defined], ids[defined]
    number = probability.shape[1]
    thresholds = np.broadcast_to(enrich_threshold, number).astype(float)
    for class_id in np.unique(ids):
        middle = np.quantile(best[ids == class_id], 1 - _KEPT)
        thresholds[class_id] = min(thresholds[class_id], middle)
    return thresholds


def enrich(
    weak: np.ndarray,
    prediction: np.ndarray,
    probability: np.ndarray,
    enrich_threshold: float | Sequence[float],
) -> np.ndarray:
    """Adds confident predictions to the unlabelled pixels of a weak label.

    Source: the refinement step of SeSAM; the thresholds are our choice.

    Args:
        weak: (H, W) uint8 class ids; labelled pixels never change.
        prediction: (H, W) integers, the class predicted for each pixel.
        probability: (H, W) float in [0, 1], probability of that class.
        enrich_threshold: least probability of a confident prediction, one
            for all classes or one for each.

    Returns:
        (H, W) uint8.
    """
    thresholds = np.asarray(enrich_threshold, dtype=probability.dtype)
    if thresholds.ndim:
        thresholds = thresholds[prediction]
    joins = (weak == UNLABELLED) & (probability >= thresholds)
    return np.where(joins, prediction, weak).astype(np.uint8)
