"""Looks at the images of a run and scores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.engine.map_images import map_images
from mmseg_sesam.suggest.diversity import (
    distances_to_labelled,
    scale_points,
)
from mmseg_sesam.suggest.look import Looker
from mmseg_sesam.suggest.score import ImageLook, Scores, score_images


class Ranking(NamedTuple):
    """The images of a run that are not complete.

    Attributes:
        indices: of the images in the training set.
        looks: what is known about each.
        scores: of all.
        points: (N, D) features, from `scale_points`.
        nearest: (N,) distance of each to a labelled image.
    """

    indices: list[int]
    looks: list[ImageLook]
    scores: Scores
    points: np.ndarray
    nearest: np.ndarray


def rank_images(looker: Looker, candidates: int | None, jobs: int) -> Ranking:
    """Returns the scores of the training images.

    Args:
        looker: looks at single images.
        candidates: number of images to look at, drawn at random; None for
            all.
        jobs: processes that predict on a CPU.

    Raises:
        ValueError: the labels of all images are complete.
    """
    indices = draw_images(looker.images.keys, candidates)
    looks = list(map_images(Looker.look, looker, indices, jobs))
    labelled = np.stack([look.labelled for look in looks])
    points = scale_points(np.stack([look.features for look in looks]))
    nearest = distances_to_labelled(points, labelled.any(axis=1))
    left = [place for place, one in enumerate(looks) if not one.complete]
    if not left:
        raise ValueError(
            f'All {len(looks)} images of {looker.images.run.work_dir} have '
            'dense labels; add images without a label to the training set.'
        )
    looks = [looks[place] for place in left]
    return Ranking(
        [indices[place] for place in left],
        looks,
        score_images(looks, labelled.sum(axis=0)),
        points[left],
        nearest[left],
    )


def draw_images(keys: Sequence[str], number: int | None) -> list[int]:
    """Returns the first index of some keys, drawn at random, or of all.

    A data set of several parts may list an image twice.

    Example:
        >>> draw_images(['b', 'a', 'b'], None)
        [1, 0]
    """
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        first.setdefault(key, index)
    names = sorted(first)
    if number is not None and number < len(names):
        rng = np.random.default_rng(0)
        places = sorted(rng.choice(len(names), number, replace=False))
        names = [names[place] for place in places]
    return [first[name] for name in names]
