"""Labelled pixels of an image, on which masks are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.core.components import Component

# Pixels of a component that estimate its coverage well enough (our choice).
MIN_PIXELS = 32


@dataclass(frozen=True, eq=False)
class LabelledPixels:
    """Labelled pixels of an image, component after component.

    How far a mask covers each component depends on its values at these
    pixels alone, so candidates are measured without being drawn.

    Attributes:
        rows: (N,) integers.
        cols: (N,) integers.
        starts: (K + 1,) integers; component k owns the pixels from
            `starts[k]` up to `starts[k + 1]`.

    Example:
        >>> label = np.array([[0, 0, 255, 1]], np.uint8)
        >>> from mmseg_sesam.core.components import find_components
        >>> pixels = LabelledPixels.gather(find_components(label))
        >>> mask = np.array([[True, False, True, True]])
        >>> pixels.shares(mask[None, pixels.rows, pixels.cols]).tolist()
        [[0.5, 1.0]]
    """

    rows: np.ndarray
    cols: np.ndarray
    starts: np.ndarray

    @classmethod
    def gather(
        cls, components: list[Component], max_pixels: int = 8192
    ) -> LabelledPixels:
        """Collects pixels of components.

        Args:
            components: components of one image.
            max_pixels: if there are more labelled pixels, the components
                share this number: each gives all its pixels up to the same
                limit, which is at least 32, so that large components get
                what small ones leave over. A larger component is cut into
                as many stretches in raster order, and each gives one random
                pixel of a fixed seed (our choice: it bounds the cost of
                coarse labels on large images).
        """
        areas = np.array([component.area for component in components], int)
        ordered = np.sort(areas)
        smaller = ordered.cumsum() - ordered
        # The limit if a component and all larger ones share what smaller
        # ones leave over: at the right component it is the greatest.
        limits = (max_pixels - smaller) // np.arange(len(areas), 0, -1)
        counts = np.minimum(areas, limits.max(initial=MIN_PIXELS))
        # All components use the same numbers, so that the pixels of one do
        # not depend on the others.
        random = np.random.default_rng(0).random(counts.max(initial=0))
        pixels = [
            _spread(component, random[:count])
            for component, count in zip(components, counts)
        ]
        rows, cols = np.concatenate([np.zeros((2, 0), int), *pixels], axis=1)
        return cls(rows, cols, np.concatenate([[0], counts.cumsum()]))

    def select(self, places: np.ndarray) -> LabelledPixels:
        """Returns the pixels of some components, by their places."""
        counts = np.diff(self.starts)[places]
        starts = np.concatenate([[0], counts.cumsum()])
        pixels = np.arange(starts[-1])
        pixels += np.repeat(self.starts[places] - starts[:-1], counts)
        return LabelledPixels(self.rows[pixels], self.cols[pixels], starts)

    def shares(self, inside: np.ndarray) -> np.ndarray:
        """Returns (M, K) float32, share of each component inside each mask.

        Args:
            inside: (M, N) bool, whether pixel n is inside mask m.
        """
        starts = self.starts[:-1]
        held = np.add.reduceat(inside, starts, axis=1, dtype=np.int32)
        return (held / np.diff(self.starts)).astype(np.float32)


def spread_ranks(total: int, random: np.ndarray) -> np.ndarray:
    """Returns N ascending places among pixels in raster order.

    The order is cut into N stretches, and each gives one random place,
    because equal steps could hit the same few columns in every row.

    Args:
        total: number of pixels.
        random: (N,) random numbers from 0 to 1, without 1.

    Example:
        >>> spread_ranks(10, np.array([0.9, 0.0])).tolist()
        [4, 5]
    """
    count = len(random)
    edges = np.arange(count + 1, dtype=np.int64) * total // count
    return edges[:-1] + (random * np.diff(edges)).astype(np.int64)


def _spread(component: Component, random: np.ndarray) -> np.ndarray:
    """Returns (2, N) pixels spread over the raster order, by N numbers."""
    mask, count = component.mask, len(random)
    rows, cols = [], []
    ends = np.count_nonzero(mask, axis=1).cumsum()
    ranks = np.arange(count)
    if count < ends[-1]:
        ranks = spread_ranks(int(ends[-1]), random)
    # In bands, since the places of all pixels take eight bytes each.
    for band in row_bands(mask.shape):
        first = ends[band.start - 1] if band.start else 0
        low, high = np.searchsorted(ranks, [first, ends[band.stop - 1]])
        if low < high:
            pixels = np.flatnonzero(mask[band])[ranks[low:high] - first]
            rows.append(pixels // mask.shape[1] + band.start)
            cols.append(pixels % mask.shape[1])
    row0, col0 = component.bbox[:2]
    return np.stack([np.concatenate(rows) + row0, np.concatenate(cols) + col0])
