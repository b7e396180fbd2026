"""Measures of a sample of the training images."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np

from mmseg_sesam.datasets.label_kinds import image_kinds
from mmseg_sesam.evaluation.boundary import count_boundaries
from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    label_quality,
)
from mmseg_sesam.io.processes import map_in_processes
from mmseg_sesam.report.images import Labelled, RunImages
from mmseg_sesam.structures import NO_LABEL

# Limits of the sample, which bound the time for any data set (our choice:
# 20 s for 10 000 images of VOC's size on two cores).
MAX_IMAGES = 400
MAX_PIXELS = 5e8


class Score(NamedTuple):
    """Quality of an image's last pseudo-label.

    Attributes:
        value: IoU with the dense label or, without one, the share of weakly
            labelled pixels inside the chosen masks; in [0, 1]. NaN for an
            image whose own label is dense, or without any component.
        changed: share of pixels that differ between first and last round.
    """

    value: float
    changed: float


class RoundCounts(NamedTuple):
    """Counts of one round over images.

    Attributes:
        confusion: (C, C + 1), see `confusion_matrix`; zeros without dense
            labels.
        boundary: (C, 3), see `count_boundaries`; zeros without dense labels.
        of_weak: (2,) right and labelled pixels of `confusion`, without images
            of kind 'none', which the selector does not see.
        given: (C,) pixels labelled as each class.
        components: (C,) components of each class.
        fell_back: (C,) components that keep only their weak pixels.
    """

    confusion: np.ndarray
    boundary: np.ndarray
    of_weak: np.ndarray
    given: np.ndarray
    components: np.ndarray
    fell_back: np.ndarray


class Measures(NamedTuple):
    """Measures of a sample.

    Attributes:
        scores: by index of the image; empty without pseudo-labels.
        weak: (C,) pixels of each class in the weak labels.
        pixels: of all measured images.
        rounds: counts by round.
    """

    scores: dict[int, Score]
    weak: np.ndarray
    pixels: int
    rounds: dict[int, RoundCounts]


def draw_sample(images: RunImages) -> list[int]:
    """Draws the images that are measured, and from which some are shown.

    The indices ascend. If images have a dense label in `images.truths`, only
    these are drawn. Else unlabelled images fill up what the others leave.
    """
    pool, unlabelled = sorted(images.truths), []
    if not pool:
        # A small sample of a mix could have no weak label at all.
        for index, kind in enumerate(image_kinds(images.dataset)):
            (unlabelled if kind == NO_LABEL else pool).append(index)
    first = (pool or unlabelled)[0]
    pixels = images[first].weak.size * (len(images.run.rounds) + 2)
    most = int(min(MAX_IMAGES, max(MAX_PIXELS // pixels, 1)))
    rng = np.random.default_rng(0)
    drawn = []
    for part in (pool, unlabelled):
        count = min(len(part), most - len(drawn))
        drawn += rng.choice(part, count, replace=False).tolist()
    return sorted(drawn)


def measure(images: RunImages, indices: Sequence[int], jobs: int) -> Measures:
    """Returns the measures of images, made in several processes.

    Raises:
        FileNotFoundError: a label is missing.
        ValueError: labels of an image do not fit each other.
    """
    scores, rounds = {}, {}
    weak, pixels = np.zeros(len(images.classes), np.int64), 0
    task = images, indices, jobs, 'measuring'
    for part in map_in_processes(_measure_image, *task):
        scores.update(part.scores)
        weak += part.weak
        pixels += part.pixels
        for r, counts in part.rounds.items():
            pairs = zip(rounds[r], counts) if r in rounds else zip(counts)
            rounds[r] = RoundCounts(*map(sum, pairs))
    return Measures(scores, weak, pixels, rounds)


def _measure_image(images: RunImages, index: int) -> Measures:
    labelled, num_classes = images[index], len(images.classes)
    weak = _count(labelled.weak, num_classes)
    try:
        rounds = {
            r: _count_round(labelled, r, num_classes) for r in labelled.rounds
        }
    except ValueError as error:
        raise ValueError(f'{images.paths[index]}: {error}.') from None
    scores = {index: _score(labelled, rounds)} if rounds else {}
    return Measures(scores, weak, labelled.weak.size, rounds)


def _count_round(
    labelled: Labelled, round_index: int, num_classes: int
) -> RoundCounts:
    label = labelled.rounds[round_index]
    records = labelled.records[round_index]
    confusion = np.zeros((num_classes, num_classes + 1), np.int64)
    boundary = np.zeros((num_classes, 3), np.int64)
    if labelled.truth is not None:
        confusion = confusion_matrix(labelled.truth, label, num_classes)
        boundary = count_boundaries(labelled.truth, label, num_classes)
    square = confusion[:, :-1]
    of_weak = np.array([np.trace(square), square.sum()])
    if labelled.kind == NO_LABEL:
        of_weak[:] = 0
    classes = [record['class_id'] for record in records]
    lost = [record['class_id'] for record in records if not record['chosen']]
    return RoundCounts(
        confusion=confusion,
        boundary=boundary,
        of_weak=of_weak,
        given=_count(label, num_classes),
        components=_count(classes, num_classes),
        fell_back=_count(lost, num_classes),
    )


def _score(labelled: Labelled, rounds: dict[int, RoundCounts]) -> Score:
    first, last = min(rounds), max(rounds)
    changed = labelled.rounds[first] != labelled.rounds[last]
    records = labelled.records[last]
    if labelled.truth is not None:
        value = label_quality(rounds[last].confusion)['iou']
    elif not records:
        value = nan
    else:
        areas = np.array([record['area'] for record in records], float)
        shares = np.array([record['coverage'] for record in records], float)
        value = (areas * shares).sum() / max(areas.sum(), 1)
    return Score(float(value), float(changed.mean()))


def _count(ids: np.ndarray | list[int], num_classes: int) -> np.ndarray:
    """Returns (C,) occurrences of each class id."""
    return np.bincount(np.ravel(ids).astype(int), minlength=256)[:num_classes]
