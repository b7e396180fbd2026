"""The labelled pixels by which candidate masks are judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmseg_sesam.core.components import Component

# Pixels that tell a component's coverage well enough.
LEAST_SHARE = 32


@dataclass(frozen=True, eq=False)
class LabelledPixels:
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
        rivals: (K, K) bool, whether a mask of the first component should
            hold nothing of the second.
    """

    rows: np.ndarray
    cols: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    rivals: np.ndarray

    @classmethod
    def gather(
        cls,
        components: list[Component],
        rivals: np.ndarray,
        max_pixels: int = 8192,
    ) -> LabelledPixels:
        """Collects the pixels of components, thinned where they are many.

        Args:
            components: of one image, K >= 1.
            rivals: (K, K) bool, see `find_rivals`.
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
        return cls(
            rows=rows,
            cols=cols,
            weights=np.repeat(areas / counts, counts).astype(np.float32),
            starts=np.concatenate([[0], counts.cumsum()]),
            rivals=rivals,
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

    def conflict(self, hits: np.ndarray, owner: int) -> np.ndarray:
        """Share of rivals among the labelled pixels masks hold.

        Args:
            hits: (M, N) bool, whether mask m holds pixel n.
            owner: index of the component that the masks are meant for.

        Returns:
            (M,) float in [0, 1]: |M and labelled by a rival| /
            |M and W_any|; 0 for masks that hold no labelled pixel.
        """
        held = hits.astype(np.float32)
        counts = np.diff(self.starts)
        others = self.weights * np.repeat(self.rivals[owner], counts)
        labelled = (held @ self.weights).astype(float)
        return held @ others / np.maximum(labelled, 1e-6)


def find_rivals(
    components: list[Component], one_component_per_object: bool = False
) -> np.ndarray:
    """Tells whose pixels speak against a mask of a component.

    Args:
        components: of one image, K of them.
        one_component_per_object: whether each drawn component is the only mark
            of its object, as single points are (our choice). Then drawn
            components of one class are rivals, too. Marks that predictions
            join in a later round are one component, and no rivals.

    Returns:
        (K, K) bool: components of other classes, and drawn ones of the same
        class where each is an object.
    """
    classes = np.array([c.class_id for c in components], int)
    rivals = classes[:, None] != classes
    if one_component_per_object:
        drawn = np.array([c.from_person for c in components], bool)
        rivals |= drawn[:, None] & drawn & ~np.eye(len(classes), dtype=bool)
    return rivals


def _spread(component: Component, chance: np.ndarray) -> np.ndarray:
    """(2, N) pixels of a component, spread over its raster order."""
    pixels = np.flatnonzero(component.mask)
    count = len(chance)
    if count < len(pixels):
        # Not the middles: equal steps could meet every row in one column.
        edges = np.arange(count + 1, dtype=np.int64) * len(pixels) // count
        steps = (chance * np.diff(edges)).astype(np.int64)
        pixels = pixels[edges[:-1] + steps]
    rows, cols = np.divmod(pixels, component.mask.shape[1])
    row0, col0 = component.bbox[:2]
    return np.stack([rows + row0, cols + col0])
