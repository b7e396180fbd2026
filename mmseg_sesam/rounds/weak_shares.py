"""Pixels of each class in the labels of a training set."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from mmengine import dist
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.pipeline_configs import loading_dataset
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.rounds.distributed import on_all_ranks
from mmseg_sesam.structures import HUMAN_FIELD


def count_weak_labels(
    config: dict,
    num_classes: int,
    ignore_index: int = 255,
    num_workers: int = 2,
    process_group: Any = None,
) -> np.ndarray:
    """Returns (C,) pixels of each class in the labels of people.

    Each image counts once, whole and before augmentation. All ranks count
    together.

    Args:
        config: config of the training data set.
        num_classes: C.
        ignore_index: the value of unlabelled pixels.
        num_workers: processes that load labels.
        process_group: all ranks.
    """
    dataset = DATASETS.build(copy.deepcopy(loading_dataset(config)))
    rank, world_size = dist.get_dist_info()
    places = list(range(rank, len(dataset), world_size))
    loader = Runner.build_dataloader(
        dict(
            batch_size=1,
            num_workers=num_workers if places else 0,
            sampler=places,
            dataset=dataset,
        )
    )

    def count() -> np.ndarray:
        counts = np.zeros(256, np.int64)
        for batch in Progress(
            loader, desc='counting weak labels', delay=2, disable=rank > 0
        ):
            sample = batch['data_samples'][0]
            label = sample.get(HUMAN_FIELD).data.numpy()
            counts += np.bincount(label.ravel(), minlength=256)
        return counts

    counts = np.sum(on_all_ranks(count, process_group), axis=0)
    counts[ignore_index] = 0
    return counts[:num_classes]
