"""Measuring a sample of the training images."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import Pool
from typing import Any, NamedTuple

import numpy as np
import torch

from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    label_quality,
)
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.report.images import Labelled, TrainingImages

# Bounds the time that measuring takes, whatever the data set.
MAX_IMAGES = 400
MAX_PIXELS = 5e8


class Score(NamedTuple):
    """How good an image's last pseudo-label is.

    Attributes:
        value: IoU with the dense label or, where there is none, the share
            of weakly labelled pixels that the chosen masks hold; in [0, 1].
        changed: share of pixels whose label differs between the first round
            and the last.
    """

    value: float
    changed: float


class RoundCounts(NamedTuple):
    """Counts of one round over images.

    Attributes:
        confusion: (C, C + 1), see `confusion_matrix`; zeros where there are
            no dense labels.
        given: (C,) pixels that carry each class.
        components: (C,) components of each class.
        fell_back: (C,) of them, those that keep their weak pixels alone.
        pixels: of all images.
    """

    confusion: np.ndarray
    given: np.ndarray
    components: np.ndarray
    fell_back: np.ndarray
    pixels: int

    def plus(self, other: RoundCounts) -> RoundCounts:
        """Adds the counts of further images."""
        return RoundCounts(*(a + b for a, b in zip(self, other)))


class Measures(NamedTuple):
    """What was measured.

    Attributes:
        scores: by index of the image; empty without pseudo-labels.
        weak: (C,) pixels that each class has in the weak labels.
        pixels: of all images measured.
        rounds: counts of each round.
    """

    scores: dict[int, Score]
    weak: np.ndarray
    pixels: int
    rounds: dict[int, RoundCounts]


def draw_sample(images: TrainingImages, seed: int = 0) -> list[int]:
    """Draws the images that are measured, and shown.

    Args:
        images: all of them.
        seed: of the draw.

    Returns:
        Indices in ascending order; of images with a dense label, if there
        are dense labels.
    """
    pool = sorted(images.truths) or list(range(len(images)))
    pixels = images[pool[0]].weak.size * (len(images.run.rounds) + 2)
    count = int(min(len(pool), MAX_IMAGES, max(MAX_PIXELS // pixels, 1)))
    rng = np.random.default_rng(seed)
    return sorted(rng.choice(pool, count, replace=False).tolist())


def measure(
    images: TrainingImages, indices: Sequence[int], jobs: int
) -> Measures:
    """Measures images in several processes.

    Args:
        images: the training images.
        indices: those to be measured.
        jobs: processes.

    Returns:
        The measures.

    Raises:
        FileNotFoundError: a label is missing.
        ValueError: labels of an image do not fit each other.
    """
    scores, rounds = {}, {}
    weak, pixels = np.zeros(len(images.classes), np.int64), 0
    with Pool(jobs, initializer=_Worker.start, initargs=(images,)) as pool:
        results = pool.imap(_Worker.measure, indices, chunksize=4)
        for index, (score, counted, size, parts) in zip(
            indices, Progress(results, total=len(indices), desc='measuring')
        ):
            weak += counted
            pixels += size
            if score is not None:
                scores[index] = score
            for r, part in parts.items():
                rounds[r] = rounds[r].plus(part) if r in rounds else part
    return Measures(scores, weak, pixels, rounds)


class _Worker:
    """Holds the images in a process of the pool."""

    images: TrainingImages

    @classmethod
    def start(cls, images: TrainingImages) -> None:
        # The threads that torch has started do not survive a fork, and it
        # would wait for them forever.
        torch.set_num_threads(1)
        cls.images = images

    @classmethod
    def measure(cls, index: int) -> tuple[Score | None, Any, int, dict]:
        images = cls.images
        labelled, num_classes = images[index], len(images.classes)
        weak = _count_classes(labelled.weak, num_classes)
        try:
            parts = {
                r: _count_round(labelled, r, num_classes)
                for r in labelled.rounds
            }
        except ValueError as error:
            raise ValueError(f'{images.paths[index]}: {error}.') from None
        score = _score(labelled, parts) if parts else None
        return score, weak, labelled.weak.size, parts


def _count_round(
    labelled: Labelled, round_index: int, num_classes: int
) -> RoundCounts:
    label = labelled.rounds[round_index]
    records = labelled.records[round_index]
    confusion = np.zeros((num_classes, num_classes + 1), np.int64)
    if labelled.truth is not None:
        confusion = confusion_matrix(labelled.truth, label, num_classes)
    classes = [record['class_id'] for record in records]
    lost = [record['class_id'] for record in records if not record['chosen']]
    return RoundCounts(
        confusion=confusion,
        given=_count_classes(label, num_classes),
        components=_count_ids(classes, num_classes),
        fell_back=_count_ids(lost, num_classes),
        pixels=label.size,
    )


def _score(labelled: Labelled, parts: dict[int, RoundCounts]) -> Score:
    first, last = min(parts), max(parts)
    changed = labelled.rounds[first] != labelled.rounds[last]
    if labelled.truth is not None:
        value = label_quality(parts[last].confusion)['iou']
    else:
        records = labelled.records[last]
        areas = np.array([record['area'] for record in records], float)
        shares = np.array([record['coverage'] for record in records], float)
        value = (areas * shares).sum() / max(areas.sum(), 1)
    return Score(float(value), float(changed.mean()))


def _count_classes(label: np.ndarray, num_classes: int) -> np.ndarray:
    return np.bincount(label.ravel(), minlength=256)[:num_classes]


def _count_ids(ids: list[int], num_classes: int) -> np.ndarray:
    return np.bincount(np.array(ids, int), minlength=num_classes)
