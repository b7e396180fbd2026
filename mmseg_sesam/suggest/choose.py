"""Chooses images that stand for many doubtful ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

# Added to the score, so that images without any score are chosen by their
# distances (our choice: less than one rank of one measure in 20 images).
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
    nearest: np.ndarray | None = None,
) -> list[Choice]:
    """Returns chosen images, the best one first.

    Each image should have one near it that is labelled or chosen: the
    distances of all images to their nearest one, weighted by their scores,
    are summed up, and each step takes the image that lowers the sum most
    (greedy k-medoids; Nemhauser et al., 1978). So an image among many of high
    scores comes before an outlier. A second image that equals a chosen one is
    taken when nothing else is left. The result does not depend on the order
    of the images.

    Args:
        names: a different name for each image. If several are equally good,
            the one of the highest score is taken, and then the first in the
            alphabet.
        scores: (N,) in [0, 1].
        points: (N, D) of the images, from `scale_points`.
        number: of images to choose; all if there are less.
        nearest: (N,) distance of each image to a labelled one; None for 1.

    Example:
        >>> points = np.array([[0.0, 0.5], [0.0, 0.5], [0.5, 0.0]])
        >>> scores = np.array([0.9, 0.9, 0.5])
        >>> names = ['a', 'b', 'c']
        >>> choices = choose(names, scores, points, number=2)
        >>> ''.join(names[choice.index] for choice in choices)
        'ac'
    """
    order = sorted(range(len(names)), key=lambda i: (-scores[i], names[i]))
    order = np.array(order, int)
    points = np.asarray(points)[order]
    weights = _FLOOR + np.asarray(scores, np.float64)[order]
    nearest = np.ones(len(order)) if nearest is None else nearest[order]
    # A choice lowers the gains of the others, never raises them: an old gain
    # is a bound, and one that is new and still the largest is the best.
    gains = np.full(len(order), np.inf)
    choices = []
    while len(choices) < min(number, len(order)):
        best = int(gains.argmax())
        distances = cdist(points, points[[best]])[:, 0]
        gains[best] = weights @ np.maximum(nearest - distances, 0)
        if gains.argmax() != best:
            continue
        choices.append(Choice(int(order[best]), float(nearest[best])))
        nearest = np.minimum(nearest, distances)
        gains[best] = -1
    return choices
