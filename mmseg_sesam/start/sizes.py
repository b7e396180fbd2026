"""Sizes at which images are trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# Longest side in training: a crop shows enough of the picture, and strokes of
# usual width stay (our choice).
MAX_SIDE = 1024


def median_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Returns the median width and the median height."""
    width, height = np.median(np.array(sizes), axis=0)
    return int(width), int(height)


def drawing_scale(size: tuple[int, int]) -> float:
    """Returns the factor by which training scales images down, at least 1.

    Lines are drawn wider by it: scaling labels by nearest neighbours deletes
    thin ones.
    """
    return max(1.0, max(size) / MAX_SIDE)


def training_size(size: tuple[int, int]) -> tuple[int, int]:
    """Returns the longer and the shorter side that training scales to.

    Example:
        >>> training_size((3000, 4000))
        (1024, 768)
    """
    scale = drawing_scale(size)
    return tuple(round(side / scale) for side in sorted(size, reverse=True))


def crop_side(shorter: int, limit: int) -> int:
    """Returns the side of a square crop, a multiple of 32.

    The crop is not larger than the shorter side of images, rounded up to the
    stride of the network.
    """
    return min(limit, 32 * math.ceil(shorter / 32))
