"""Rows of a large image in bands, which bounds temporary arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmseg_sesam.structures import UNLABELLED

# Pixels of a band (our choice: a float32 of each takes 16 MiB).
BAND_PIXELS = 2**22


def row_bands(
    shape: tuple[int, ...], multiple: int = 1, pixels: int | None = None
) -> Iterator[slice]:
    """Yields the rows of an (H, W, ...) image in bands from top to bottom.

    Args:
        shape: height, width and more.
        multiple: bands begin at multiples of this many rows.
        pixels: of a band, by default `BAND_PIXELS`. Give fewer for temporary
            arrays of many bytes for each pixel.

    Example:
        >>> list(row_bands((5, 2**21), multiple=2))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    height, width = shape[:2]
    pixels = pixels or BAND_PIXELS
    rows = max(pixels // max(width * multiple, 1), 1) * multiple
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def count_values(label: np.ndarray) -> np.ndarray:
    """Returns (256,) int64, the number of pixels of each value.

    numpy's `bincount` and `unique` copy a label of 8 bits to eight times its
    size.

    Args:
        label: (H, W) uint8.

    Example:
        >>> count_values(np.array([[3, 255, 3]], np.uint8))[[3, 255]].tolist()
        [2, 1]
    """
    counts = np.zeros(256, np.int64)
    for rows in row_bands(label.shape):
        counts += np.bincount(label[rows].ravel(), minlength=256)
    return counts


def class_ids(label: np.ndarray) -> np.ndarray:
    """Returns the ascending class ids of a label.

    Args:
        label: (H, W) uint8.

    Example:
        >>> class_ids(np.array([[3, 255, 0]], np.uint8)).tolist()
        [0, 3]
    """
    counts = count_values(label)
    counts[UNLABELLED] = 0
    return np.flatnonzero(counts)
