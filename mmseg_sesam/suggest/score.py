"""Scores images by what more labels of them would teach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.suggest.regions import Region

# The measures of an image, in the columns of `Scores`.
MEASURES = ('disagreement', 'uncertainty', 'fallback', 'rarity', 'unlabelled')


class ImageLook(NamedTuple):
    """What is known about a training image before it is scored.

    Attributes:
        features: (D,) pooled features of the backbone.
        labelled: (C,) bool, the classes that a person labelled in it.
        shown: (C,) bool, the classes that are predicted in it.
        disagreement: share of pixels, without those that a person labelled,
            in which teacher, student and pseudo-label differ.
        uncertainty: mean entropy of the predictions, 1 if all classes are
            equally probable; 0 in pixels that a person labelled.
        components: components of the weak label, and
        fell_back: how many of them keep their weak pixels alone.
        complete: whether the label is dense, so that nothing is missing.
        regions: places to look at first.
    """

    features: np.ndarray
    labelled: np.ndarray
    shown: np.ndarray
    disagreement: float = 0.0
    uncertainty: float = 0.0
    components: int = 0
    fell_back: int = 0
    complete: bool = False
    regions: Sequence[Region] = ()


class Scores(NamedTuple):
    """The scores of N images, in their order.

    Attributes:
        values: (N, 5) measures in [0, 1], see `MEASURES`.
        ranks: (N, 5) share of the images that have less of a measure.
        totals: (N,) mean of the ranks.
        rarest: (N,) class that gives the rarity, -1 without one.
        images_of_class: (C,) images in which a person labelled the class.
    """

    values: np.ndarray
    ranks: np.ndarray
    totals: np.ndarray
    rarest: np.ndarray
    images_of_class: np.ndarray


def score_images(
    looks: Sequence[ImageLook], images_of_class: np.ndarray
) -> Scores:
    """Returns the scores of images.

    The measures have different scales, so that their ranks are averaged. An
    unlabelled image has its rank of uncertainty twice: it comes first where
    the predictions are uncertain.

    Args:
        looks: of each image.
        images_of_class: (C,) images in which a person labelled a class.

    Example:
        >>> nothing = np.zeros(2, bool)
        >>> sure = ImageLook(np.ones(3), nothing, nothing)
        >>> unsure = sure._replace(uncertainty=0.5)
        >>> score_images([sure, unsure], np.array([4, 1])).totals.tolist()
        [0.0, 0.2]
    """
    rarity, rarest = _rarity(looks, images_of_class)
    unlabelled = np.array([not look.labelled.any() for look in looks])
    uncertainty = np.array([look.uncertainty for look in looks], float)
    fallback = [look.fell_back / max(look.components, 1) for look in looks]
    values = np.column_stack(
        [
            np.array([look.disagreement for look in looks], float),
            uncertainty,
            np.array(fallback, float),
            rarity,
            np.where(unlabelled, uncertainty, 0.0),
        ]
    )
    ranks = np.column_stack([rank(column) for column in values.T])
    # The rank among all images: an unlabelled image that is more certain
    # than most labelled ones does not come first.
    ranks[:, 4] = np.where(unlabelled, ranks[:, 1], 0.0)
    return Scores(
        values, ranks, ranks.mean(axis=1), rarest, np.asarray(images_of_class)
    )


def rank(values: np.ndarray) -> np.ndarray:
    """Returns the share of values that are less than each one.

    Example:
        >>> rank(np.array([0.3, 0.1, 0.3, 0.9])).tolist()
        [0.25, 0.0, 0.25, 0.75]
    """
    less = np.searchsorted(np.sort(values), values, side='left')
    return less / max(len(values), 1)


def _rarity(
    looks: Sequence[ImageLook], images_of_class: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rarity of images, and the class that gives it.

    A class is as rare as the share of images that it lacks to the class with
    the most. It counts for an image that shows it and has no label of it.
    """
    most = max(int(np.max(images_of_class, initial=0)), 1)
    rarity = 1 - np.asarray(images_of_class) / most
    new = np.array([look.shown & ~look.labelled for look in looks])
    gain = np.where(new, rarity, 0.0)
    rarest = gain.argmax(axis=1)
    best = gain.max(axis=1)
    return best, np.where(best > 0, rarest, -1)
