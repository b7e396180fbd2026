"""Component -> point prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmseg_sesam import validators
from mmseg_sesam.core.components import Component, deepest_point
from mmseg_sesam.core.skeleton import Curve, walk_skeletons
from mmseg_sesam.validators import option

STRATEGIES = ('skeleton', 'random', 'centroid')


class PointPrompt(NamedTuple):
    """Points given to a segmenter.

    Attributes:
        points: (K, 2) float32 pixels as (x, y), x to the right.
        labels: (K,) int8; 1 for points inside the wanted mask, 0 for points
            outside.
    """

    points: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class SkeletonPrompter:
    """Makes point prompts along the skeletons of components.

    The first prompt of a component has all of its points. If there are
    several, each point alone is a further prompt, so that stuff, which one
    prompt covers only in part, can be assembled. Source: step 2 of SeSAM;
    every number is our choice.

    Attributes:
        spacing: pixels of skeleton for each point. Lower it for a segmenter
            whose masks are small parts of objects.
        min_points: fewest points of a component whose skeleton is long
            enough for them.
        max_points: most points of a component. Raise it with a low spacing;
            each point costs a prompt.
        num_negatives: negative points for each component, from the nearest
            components of other classes. Set it if masks leak into them.
        strategy: 'skeleton', or for ablations 'random' (pixels of the
            component) and 'centroid' (one point).
        seed: seed of the strategy 'random'.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> from mmseg_sesam.core.components import find_components
        >>> label = np.full((9, 60), 255, np.uint8)
        >>> label[4, 5:55] = 1
        >>> (prompts,) = SkeletonPrompter(spacing=25)(find_components(label))
        >>> print(*(len(prompt.points) for prompt in prompts))
        2 1 1
    """

    spacing: float = option(40.0, validators.number(above=0))
    min_points: int = option(1, validators.count(1))
    max_points: int = option(5, validators.count(1))
    num_negatives: int = option(0, validators.count())
    strategy: str = option('skeleton', validators.one_of(STRATEGIES))
    seed: int = option(0, validators.count())

    def __post_init__(self) -> None:
        validators.check_fields(self)
        validators.check_options(
            self, max_points=validators.count(self.min_points)
        )

    def __call__(self, components: list[Component]) -> list[list[PointPrompt]]:
        """Returns prompts for each component, the one with all points first.

        Args:
            components: components of one image, from `find_components`.
        """
        if self.strategy == 'centroid':
            positives = [_central_pixel(c.mask)[None] for c in components]
        else:
            curves = walk_skeletons([c.mask for c in components])
            positives = [
                self._spread(component.mask, curves[index], index)
                for index, component in enumerate(components)
            ]
        return [
            _make_prompts(inside + component.bbox[:2], outside)
            for component, inside, outside in zip(
                components, positives, self._negatives(components)
            )
        ]

    def _spread(
        self, mask: np.ndarray, curve: Curve, index: int
    ) -> np.ndarray:
        """Returns (K, 2) points of a component as (row, col) in its box."""
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
        """Returns for each component (K, 2) negative points (row, col)."""
        if not self.num_negatives or not components:
            return [np.zeros((0, 2))] * len(components)
        deepest = np.array(
            [np.add(deepest_point(c.mask), c.bbox[:2]) for c in components]
        )
        classes = np.array([c.class_id for c in components])
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
    """Returns (K, 2) pixels in the middle of equal stretches of a `Curve`.

    No pixel occurs twice, so that K <= `count`, the number of stretches.
    """
    position = np.cumsum(steps)
    middles = (np.arange(count) + 0.5) / count * position[-1]
    return coords[np.unique(np.searchsorted(position, middles))]


def _central_pixel(mask: np.ndarray) -> np.ndarray:
    """Returns the pixel (row, col) of a mask nearest its centre of mass."""
    pixels = np.argwhere(mask)
    distance = np.square(pixels - pixels.mean(axis=0)).sum(axis=1)
    return pixels[distance.argmin()]


def _make_prompts(
    inside: np.ndarray, outside: np.ndarray
) -> list[PointPrompt]:
    """Returns prompts of points given as (row, col): all, then each alone."""
    outside = outside[:, ::-1].astype(np.float32)
    inside = inside[:, ::-1].astype(np.float32)
    alone = len(inside) if len(inside) > 1 else 0
    groups = [inside, *inside[:alone, None]]
    if len(outside):
        groups = [np.concatenate([group, outside]) for group in groups]
    labels = np.zeros(len(groups[0]), np.int8)
    labels[: len(inside)] = 1
    # Labels of a single-point prompt: one positive, then the negatives.
    singles = labels[len(inside) - 1 :]
    return [PointPrompt(groups[0], labels)] + [
        PointPrompt(group, singles) for group in groups[1:]
    ]
