"""Pixels of each class in the labels of a training set."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmseg_sesam.core.bands import count_values
from mmseg_sesam.rounds.distributed import on_all_ranks
from mmseg_sesam.rounds.training_images import TrainingImages


def count_weak_labels(
    images: TrainingImages, num_classes: int, group: Any = None
) -> np.ndarray:
    """Returns (C,) pixels of each class in the labels of people.

    Each image counts once, whole and before augmentation. All ranks count
    together.

    Args:
        images: images of the training set.
        num_classes: C.
        group: all ranks.
    """
    places = list(images.places().values())

    def count() -> np.ndarray:
        counts = np.zeros(256, np.int64)
        for batch in images.load_part(places, 'counting weak labels'):
            sample = batch['data_samples'][0]
            counts += count_values(sample.gt_sem_seg.data[0].numpy())
        return counts

    counts = np.sum(on_all_ranks(count, group), axis=0)
    return counts[:num_classes]
