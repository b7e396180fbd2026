"""A model's confident predictions -> an enriched weak label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmseg_sesam.structures import UNLABELLED


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
