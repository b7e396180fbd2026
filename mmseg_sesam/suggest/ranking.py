"""Looks at the images of a run and scores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.engine.processes import map_images
from mmseg_sesam.suggest.look import Looker
from mmseg_sesam.suggest.score import ImageLook, Scores, score_images


class Ranking(NamedTuple):
    """The images of a run that are not complete.

    Attributes:
        indices: of the images in the training set.
        looks: what is known about each.
        scores: of all.
    """

    indices: list[int]
    looks: list[ImageLook]
    scores: Scores


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
    labelled = np.sum([look.labelled for look in looks], axis=0)
    pairs = [(i, one) for i, one in zip(indices, looks) if not one.complete]
    if not pairs:
        raise ValueError(
            f'All {len(looks)} images of {looker.images.run.work_dir} have '
            'dense labels; add images without a label to the training set.'
        )
    indices, looks = map(list, zip(*pairs))
    return Ranking(indices, looks, score_images(looks, labelled))


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
