"""Labelled pixels of an image, on which masks are measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mmseg_sesam.core.components import Component

# Pixels of a component that estimate its coverage well enough (our choice).
MIN_PIXELS = 32


@dataclass(frozen=True, eq=False)
class LabelledPixels:
    """Labelled pixels of an image, component after component.

    Coverage and conflict of a mask depend on its values at these pixels
    alone, so candidates are measured without being drawn.

    Attributes:
        rows: (N,) integers.
        cols: (N,) integers.
        weights: (N,) float32, labelled pixels that each one stands for.
        starts: (K + 1,) integers; component k owns the pixels from
            `starts[k]` up to `starts[k + 1]`.
        exclusive: (K, K) bool, see `find_exclusive`.

    Example:
        >>> label = np.array([[0, 0, 255, 1]], np.uint8)
        >>> from mmseg_sesam.core.components import find_components
        >>> components = find_components(label)
        >>> pixels = LabelledPixels.gather(
        ...     components, find_exclusive(components)
        ... )
        >>> mask = np.array([[True, False, True, True]])
        >>> pixels.measure(mask[None, pixels.rows, pixels.cols], 0)
        (array([0.5]), array([0.5]))
    """

    rows: np.ndarray
    cols: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    exclusive: np.ndarray

    @classmethod
    def gather(
        cls,
        components: list[Component],
        exclusive: np.ndarray,
        max_pixels: int = 8192,
    ) -> LabelledPixels:
        """Collects pixels of components.

        Args:
            components: components of one image.
            exclusive: (K, K) bool, see `find_exclusive`.
            max_pixels: if there are more labelled pixels, each component
                gives an equal share of this number, but at least 32. It is
                cut into as many stretches in raster order, and each gives
                one random pixel of a fixed seed (our choice: it bounds the
                cost of coarse labels on large images).
        """
        areas = np.array([component.area for component in components], int)
        share = max(max_pixels // max(len(components), 1), MIN_PIXELS)
        if areas.sum() <= max_pixels:
            share = int(areas.max(initial=0))
        counts = np.minimum(areas, share)
        # All components use the same numbers, so that the pixels of one do
        # not depend on the others.
        random = np.random.default_rng(0).random(counts.max(initial=0))
        pixels = [
            _spread(component, random[:count])
            for component, count in zip(components, counts)
        ]
        rows, cols = np.concatenate([np.zeros((2, 0), int), *pixels], axis=1)
        return cls(
            rows=rows,
            cols=cols,
            weights=np.repeat(areas / counts, counts).astype(np.float32),
            starts=np.concatenate([[0], counts.cumsum()]),
            exclusive=exclusive,
        )

    def measure(
        self, inside: np.ndarray, index: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Measures masks of a component by their values at the pixels.

        Args:
            inside: (M, N) bool, whether pixel n is inside mask m.
            index: place of the component.

        Returns:
            (M,) coverage, the share of the component's pixels inside the
            mask, and (M,) conflict, the share of exclusive components'
            pixels among the labelled pixels inside; 0 if there are none.
        """
        own = slice(self.starts[index], self.starts[index + 1])
        others = self.weights * np.repeat(
            self.exclusive[index], np.diff(self.starts)
        )
        values = inside.astype(np.float32)
        # All pixels of one component have the same weight.
        held = np.count_nonzero(inside[:, own], axis=1)
        labelled = (values @ self.weights).astype(float)
        conflict = values @ others / np.maximum(labelled, 1e-6)
        return held / (own.stop - own.start), conflict


def find_exclusive(
    components: list[Component], one_component_per_object: bool = False
) -> np.ndarray:
    """Returns, for each pair of components, whether one excludes the other.

    Args:
        components: components of one image, K of them.
        one_component_per_object: whether each component from a person marks
            an object of its own, as single points do (our choice). Then a
            mask must not contain two of them, even if they are of one class.
            Points that predictions join in a later round are one component.

    Returns:
        (K, K) bool; [i, j] is True if a mask of component i must not contain
        pixels of component j.
    """
    classes = np.array([c.class_id for c in components], int)
    exclusive = classes[:, None] != classes
    if one_component_per_object:
        objects = np.array([c.from_person for c in components], bool)
        pairs = objects[:, None] & objects
        exclusive |= pairs & ~np.eye(len(classes), dtype=bool)
    return exclusive


def measure_mask(
    mask: np.ndarray,
    component: Component,
    label: np.ndarray,
    ignore_index: int = 255,
    same_class_exclusive: Iterable[Component] = (),
) -> tuple[float, float]:
    """Measures a mask on every labelled pixel of the image.

    Args:
        mask: (H, W) bool.
        component: component of the mask.
        label: (H, W) uint8, the label that the component is part of.
        ignore_index: value of unlabelled pixels.
        same_class_exclusive: components of the same class that the mask must
            not contain.

    Returns:
        Coverage and conflict, see `LabelledPixels.measure`.
    """
    # Counting is much faster than `label[mask]`.
    labelled = np.count_nonzero(mask & (label != ignore_index))
    allowed = np.count_nonzero(mask & (label == component.class_id))
    allowed -= sum(_count_inside(mask, c) for c in same_class_exclusive)
    coverage = _count_inside(mask, component) / component.area
    conflict = (labelled - allowed) / max(labelled, 1)
    return float(coverage), float(conflict)


def _count_inside(mask: np.ndarray, component: Component) -> int:
    """Counts the pixels of a component inside a (H, W) bool mask."""
    return np.count_nonzero(mask[component.slices] & component.mask)


def _spread(component: Component, random: np.ndarray) -> np.ndarray:
    """Returns (2, N) pixels spread over the raster order, by N numbers."""
    pixels = np.flatnonzero(component.mask)
    count = len(random)
    if count < len(pixels):
        # Random pixels, since equal steps could hit one column in every row.
        edges = np.arange(count + 1, dtype=np.int64) * len(pixels) // count
        steps = (random * np.diff(edges)).astype(np.int64)
        pixels = pixels[edges[:-1] + steps]
    rows, cols = np.divmod(pixels, component.mask.shape[1])
    row0, col0 = component.bbox[:2]
    return np.stack([rows + row0, cols + col0])
