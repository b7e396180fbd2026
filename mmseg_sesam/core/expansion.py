"""How far masks expand beyond their component."""

from __future__ import annotations

import numpy as np


def measure_expansion(areas: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Returns (M,) float expansion of masks beyond their component.

    The expansion of a mask is `|M| / |M and W_k|`: its area over the pixels
    of its component inside it.

    Args:
        areas: (M,) pixels of each mask.
        held: (M,) pixels of the component inside each mask; where it is 0,
            the expansion is infinite.

    Example:
        >>> measure_expansion(np.array([8.0, 8.0]), np.array([2.0, 0.0]))
        array([ 4., inf])
    """
    expansion = np.full(np.shape(areas), np.inf)
    return np.divide(areas, held, out=expansion, where=held > 0)
