"""Chooses images that score high and differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.suggest.diversity import distances_to, scale_points

# Added to the score, so that images without any score are chosen by their
# distance (our choice: less than one rank of one measure in 20 images).
_FLOOR = 0.01


class Choice(NamedTuple):
    """A chosen image.

    Attributes:
        index: of the image.
        distance: to the nearest image chosen before, in [0, 1]; 1 for the
            first one.
    """

    index: int
    distance: float


def choose(
    names: Sequence[str],
    scores: np.ndarray,
    features: np.ndarray,
    number: int,
    diversity: float = 1.0,
) -> list[Choice]:
    """Returns chosen images, the best one first.

    Each step takes the image with the highest product of its score and its
    distance to the nearest image chosen before, as farthest-point sampling
    does with the distance alone. A second image that equals a chosen one has
    distance 0 and is taken when nothing else is left. The result does not
    depend on the order of the images.

    Args:
        names: a different name for each image; the first in the alphabet is
            taken of images that are equally good.
        scores: (N,) in [0, 1].
        features: (N, D) features of the images.
        number: of images to choose; all if there are less.
        diversity: power of the distance. Raise it where the images are
            frames of few videos; 0 takes the images in the order of scores.

    Example:
        >>> features = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
        >>> scores = np.array([0.9, 0.9, 0.5])
        >>> names = ['a', 'b', 'c']
        >>> choices = choose(names, scores, features, number=2)
        >>> ''.join(names[choice.index] for choice in choices)
        'ac'
    """
    order = np.array(sorted(range(len(names)), key=names.__getitem__), int)
    scores = np.asarray(scores, np.float64)[order]
    points = scale_points(np.asarray(features)[order])
    nearest = np.ones(len(order))
    left = np.ones(len(order), bool)
    choices = []
    for _ in range(min(number, len(order))):
        gain = (_FLOOR + scores) * nearest**diversity
        gain[~left] = -1
        best = np.flatnonzero(gain == gain.max())
        best = int(best[scores[best].argmax()])
        choices.append(Choice(int(order[best]), float(nearest[best])))
        left[best] = False
        nearest = np.minimum(nearest, distances_to(points, best))
    return choices
