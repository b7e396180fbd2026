"""Component -> point prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmseg_sesam import validators
from mmseg_sesam.core.components import Component, deepest_point
from mmseg_sesam.core.skeleton import Curve, walk_skeletons
from mmseg_sesam.validators import option

STRATEGIES = ('skeleton', 'random')
# Seed of the strategy 'random'.
_SEED = 0


class PointPrompt(NamedTuple):
    """Points given to a segmenter.

    Attributes:
        points: (K, 2) float32 pixels as (x, y), x to the right, inside the
            wanted mask.
    """

    points: np.ndarray


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
        max_points: most points of a component. Raise it with a low spacing;
            each point costs a prompt.
        strategy: 'skeleton', or for an ablation 'random' (pixels of the
            component).

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
    max_points: int = option(5, validators.count(1))
    strategy: str = option('skeleton', validators.one_of(STRATEGIES))

    def __post_init__(self) -> None:
        validators.check_fields(self)

    def __call__(self, components: list[Component]) -> list[list[PointPrompt]]:
        """Returns prompts for each component, the one with all points first.

        Args:
            components: components of one image, from `find_components`.
        """
        curves = walk_skeletons([c.mask for c in components])
        return [
            _make_prompts(
                self._spread(component.mask, curves[index], index)
                + component.bbox[:2]
            )
            for index, component in enumerate(components)
        ]

    def _spread(
        self, mask: np.ndarray, curve: Curve, index: int
    ) -> np.ndarray:
        """Returns (K, 2) points of a component as (row, col) in its box."""
        count = round(curve.length / self.spacing)
        count = min(max(count, 1), self.max_points)
        if self.strategy == 'random':
            pixels = np.argwhere(mask)
            rng = np.random.default_rng([_SEED, index])
            count = min(count, len(pixels))
            return rng.choice(pixels, count, replace=False)
        if len(curve.coords) <= 1:
            return np.array([deepest_point(mask)])
        return spread_evenly(curve.coords, curve.steps, count)


def spread_evenly(
    coords: np.ndarray, steps: np.ndarray, count: int
) -> np.ndarray:
    """Returns (K, 2) pixels in the middle of equal stretches of a `Curve`.

    No pixel occurs twice, so that K <= `count`, the number of stretches.
    """
    position = np.cumsum(steps)
    middles = (np.arange(count) + 0.5) / count * position[-1]
    return coords[np.unique(np.searchsorted(position, middles))]


def _make_prompts(coords: np.ndarray) -> list[PointPrompt]:
    """Returns prompts of (K, 2) points (row, col): all, then each alone."""
    points = coords[:, ::-1].astype(np.float32)
    groups = [points, *points[:, None]] if len(points) > 1 else [points]
    return [PointPrompt(group) for group in groups]
