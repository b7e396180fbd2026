"""Component -> point prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.components import Component, deepest_point
from mmseg_sesam.core.skeleton import Curve, walk_skeletons
from mmseg_sesam.validators import check_options, count, number, one_of

STRATEGIES = ('skeleton', 'random', 'centroid')


class PointPrompt(NamedTuple):
    """One question to a segmenter.

    Attributes:
        points: (K, 2) float32 pixels as (x, y), x to the right.
        labels: (K,) int8; 1 where the point lies in the wanted mask, 0
            where it lies outside of it.
    """

    points: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class SkeletonPrompter:
    """Turns components into point prompts along their skeletons.

    Each component is asked for once with all its points together and, if
    it has several, once with each point alone: stuff, which one prompt
    covers only in part, can then be assembled. Source: step 2 of SeSAM;
    every number is our choice.

    Attributes:
        spacing: pixels of skeleton for which a component gets one point.
        min_points: the fewest points of a component whose skeleton is long
            enough for them.
        max_points: the most points of a component.
        num_negatives: negative points for each component, from the nearest
            components of other classes.
        strategy: 'skeleton', or for ablations 'random' (pixels of the
            component) and 'centroid' (one point).
        seed: of the strategy 'random'.

    Raises:
        ValueError: an option is out of range.
    """

    spacing: float = 40.0
    min_points: int = 1
    max_points: int = 5
    num_negatives: int = 0
    strategy: str = 'skeleton'
    seed: int = 0

    def __post_init__(self) -> None:
        check_options(
            self,
            strategy=one_of(STRATEGIES),
            min_points=count(1),
            spacing=number(above=0),
            num_negatives=count(),
            seed=count(),
        )
        check_options(self, max_points=count(self.min_points))

    def __call__(self, components: list[Component]) -> list[list[PointPrompt]]:
        """Makes the prompts of all components of an image.

        Args:
            components: as `find_components` gives them.

        Returns:
            For each component its prompts, the one with all points first.
        """
        if self.strategy == 'centroid':
            positives = [_central_pixel(c.mask)[None] for c in components]
        else:
            curves = walk_skeletons([c.mask for c in components])
            positives = [
                self._spread(component.mask, curve, index)
                for index, (component, curve) in enumerate(
                    zip(components, curves)
                )
            ]
        negatives = self._negatives(components)
        return [
            _ask_together_and_alone(points + component.bbox[:2], outside)
            for component, points, outside in zip(
                components, positives, negatives
            )
        ]

    def _spread(
        self, mask: np.ndarray, curve: Curve, index: int
    ) -> np.ndarray:
        """(K, 2) points of a component as (row, col) in its box."""
        count = round(curve.length / self.spacing)
        count = min(max(count, self.min_points), self.max_points)
        if self.strategy == 'random':
            pixels = np.argwhere(mask)
            rng = np.random.default_rng([self.seed, index])
            count = min(count, len(pixels))
            return rng.choice(pixels, count, replace=False)
        if len(curve.coords) <= 1:
            return np.array([deepest_point(mask)])
        return spread_evenly(curve.coords, curve.steps, count)

    def _negatives(self, components: list[Component]) -> list[np.ndarray]:
        """(K, 2) points of the nearest other classes, as (row, col)."""
        if not self.num_negatives or not components:
            return [np.zeros((0, 2))] * len(components)
        deepest = np.array(
            [
                np.add(deepest_point(component.mask), component.bbox[:2])
                for component in components
            ]
        )
        classes = np.array([component.class_id for component in components])
        chosen = []
        for point, class_id in zip(deepest, classes):
            others = deepest[classes != class_id]
            distance = np.square(others - point).sum(axis=1)
            nearest = distance.argsort(kind='stable')[: self.num_negatives]
            chosen.append(others[nearest])
        return chosen


def spread_evenly(
    coords: np.ndarray, steps: np.ndarray, count: int
) -> np.ndarray:
    """Picks points in the middle of equal stretches of a curve.

    Args:
        coords: (N, 2) pixels in walking order, N >= 1.
        steps: (N,) length of the edge that leads to each pixel.
        count: how many points are wanted.

    Returns:
        (K, 2) rows of `coords`, each at most once, K <= count.
    """
    position = np.cumsum(steps)
    middles = (np.arange(count) + 0.5) / count * position[-1]
    return coords[np.unique(np.searchsorted(position, middles))]


def _central_pixel(mask: np.ndarray) -> np.ndarray:
    """The pixel of a mask nearest to its centre of mass, (row, col)."""
    pixels = np.argwhere(mask)
    distance = np.square(pixels - pixels.mean(axis=0)).sum(axis=1)
    return pixels[distance.argmin()]


def _ask_together_and_alone(
    inside: np.ndarray, outside: np.ndarray
) -> list[PointPrompt]:
    """Prompts from positive and negative points given as (row, col)."""
    outside = outside[:, ::-1].astype(np.float32)
    inside = inside[:, ::-1].astype(np.float32)
    alone = len(inside) if len(inside) > 1 else 0
    groups = [inside, *inside[:alone, None]]
    if len(outside):
        groups = [np.concatenate([group, outside]) for group in groups]
    labels = np.zeros(len(groups[0]), np.int8)
    labels[: len(inside)] = 1
    # Those of a point alone are the last point's and the negative ones'.
    singles = labels[len(inside) - 1 :]
    return [PointPrompt(groups[0], labels)] + [
        PointPrompt(group, singles) for group in groups[1:]
    ]
