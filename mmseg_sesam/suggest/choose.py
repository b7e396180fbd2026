"""Chooses images that score high and differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.suggest.diversity import distances_to

# Added to the score, so that images without any score are chosen by their
# distance (our choice: less than one rank of one measure in 20 images).
_FLOOR = 0.01


class Choice(NamedTuple):
    """A chosen image.

    Attributes:
        index: of the image.
        distance: to the nearest image that was chosen before or, among
            unlabelled images, has a label, in [0, 1]; 1 without any.
    """

    index: int
    distance: float


def choose(
    names: Sequence[str],
    scores: np.ndarray,
    points: np.ndarray,
    number: int,
    diversity: float = 1.0,
    nearest: np.ndarray | None = None,
) -> list[Choice]:
    """Returns chosen images, the best one first.

    Each step takes the image with the highest product of its score and its
    distance to the nearest image that is labelled or was chosen before, as
    farthest-point sampling does with the distance alone (Sener and Savarese,
    ICLR 2018). A second image that equals a chosen one has distance 0 and is
    taken when nothing else is left. The result does not depend on the order
    of the images.

    Args:
        names: a different name for each image; the first in the alphabet is
            taken of images that are equally good.
        scores: (N,) in [0, 1].
        points: (N, D) of the images, from `scale_points`.
        number: of images to choose; all if there are less.
        diversity: power of the distance. Raise it where the images are
            frames of few videos; 0 takes the images in the order of scores.
        nearest: (N,) distance of each image to a labelled one; None for 1.

    Example:
        >>> points = np.array([[0.0, 0.5], [0.0, 0.5], [0.5, 0.0]])
        >>> scores = np.array([0.9, 0.9, 0.5])
        >>> names = ['a', 'b', 'c']
        >>> choices = choose(names, scores, points, number=2)
        >>> ''.join(names[choice.index] for choice in choices)
        'ac'
    """
    order = np.array(sorted(range(len(names)), key=names.__getitem__), int)
    scores = np.asarray(scores, np.float64)[order]
    points = np.asarray(points)[order]
    nearest = np.ones(len(order)) if nearest is None else nearest[order]
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
