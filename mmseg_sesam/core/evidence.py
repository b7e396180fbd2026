"""The labelled pixels by which candidate masks are judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .components import Component

# Pixels that tell a component's coverage well enough.
LEAST_SHARE = 32


@dataclass(frozen=True, eq=False)
class Evidence:
    """Labelled pixels of an image, component after component.

    Masks are compared with a label only where it labels: coverage and
    conflict need to know no more of a mask than which of these pixels it
    holds.

    Attributes:
        rows: (N,) integers.
        cols: (N,) integers.
        weights: (N,) float32, labelled pixels that each one stands for.
        starts: (K + 1,) integers; component k owns the pixels from
            `starts[k]` up to `starts[k + 1]`.
        class_ids: (N,) integers, the class of each pixel.
    """

    rows: np.ndarray
    cols: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    class_ids: np.ndarray

    @classmethod
    def gather(
        cls, components: list[Component], max_pixels: int = 8192
    ) -> Evidence:
        """Collects the pixels of components, thinned where they are many.

        Args:
            components: of one image, K >= 1.
            max_pixels: up to this many labelled pixels all are taken;
                above it each component gives an equal share at the most,
                but not less than 32, one pixel at random (of a fixed seed)
                from each of as many stretches of its raster order (our
                choice: it bounds the cost of coarse labels on large images).

        Returns:
            The evidence.
        """
        areas = np.array([component.area for component in components])
        share = max(max_pixels // len(components), LEAST_SHARE)
        if areas.sum() <= max_pixels:
            share = int(areas.max())
        counts = np.minimum(areas, share)
        # The same numbers for each: components do not depend on each other.
        chance = np.random.default_rng(0).random(counts.max())
        pixels = [
            _spread(component, chance[:count])
            for component, count in zip(components, counts)
        ]
        rows, cols = np.concatenate(pixels, axis=1)
        class_ids = [component.class_id for component in components]
        return cls(
            rows=rows,
            cols=cols,
            weights=np.repeat(areas / counts, counts).astype(np.float32),
            starts=np.concatenate([[0], counts.cumsum()]),
            class_ids=np.repeat(class_ids, counts),
        )

    def coverage(self, hits: np.ndarray, owner: int) -> np.ndarray:
        """Share of a component's pixels that masks hold.

        Args:
            hits: (M, N) bool, whether mask m holds pixel n.
            owner: index of the component.

        Returns:
            (M,) float in [0, 1]: |M and W_k| / |W_k|.
        """
        # The pixels of one component all have the same weight.
        own = slice(self.starts[owner], self.starts[owner + 1])
        return hits[:, own].mean(axis=1)

    def conflict(self, hits: np.ndarray, class_id: int) -> np.ndarray:
        """Share of other classes among the labelled pixels masks hold.

        Args:
            hits: (M, N) bool, whether mask m holds pixel n.
            class_id: the class that the masks are meant for.

        Returns:
            (M,) float in [0, 1]: |M and labelled as another class| /
            |M and W_any|; 0 for masks that hold no labelled pixel.
        """
        held = hits.astype(np.float32)
        others = self.weights * (self.class_ids != class_id)
        labelled = (held @ self.weights).astype(float)
        return held @ others / np.maximum(labelled, 1e-6)


def _spread(component: Component, chance: np.ndarray) -> np.ndarray:
    """(2, N) pixels of a component, spread over its raster order."""
    pixels = np.flatnonzero(component.mask)
    count = len(chance)
    if count < len(pixels):
        # Not the middles: equal steps could meet every row in one column.
        places = (np.arange(count) + chance) * (len(pixels) / count)
        pixels = pixels.take(places.astype(np.int64), mode='clip')
    rows, cols = np.divmod(pixels, component.mask.shape[1])
    row0, col0 = component.bbox[:2]
    return np.stack([rows + row0, cols + col0])
