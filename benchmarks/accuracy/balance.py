"""Class weights from the labels that a row trains on."""

from __future__ import annotations

import numpy as np
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.pipeline_configs import leaf_datasets
from mmseg_sesam.io.terminal import Progress

LOADING = (
    'LoadImageFromFile',
    'LoadAnnotations',
    'LoadWeakAnnotations',
    'SimulateWeakLabel',
)


def class_weights(
    dataset: dict, num_classes: int, power: float = 1.0
) -> list[float]:
    """Computes the class weights of Paszke et al. (ENet, 2016).

    Args:
        dataset: config of a training data set; its labels are counted as
            its pipeline loads them, before augmentation.
        num_classes: C.
        power: of the weights; below 1 they differ less.

    Returns:
        C weights (1 / ln(1.02 + share of the class)) ** power, of mean 1.
    """
    counts = count_classes(dataset, num_classes)
    weights = np.log(1.02 + counts / counts.sum()) ** -power
    return (weights / weights.mean()).round(4).tolist()


def count_classes(dataset: dict, num_classes: int) -> np.ndarray:
    """Returns the (C,) labelled pixels of each class before augmentation."""
    init_default_scope('mmseg')
    counts = np.zeros(256, np.int64)
    for leaf in leaf_datasets(dataset):
        loading = [
            transform
            for transform in leaf['pipeline']
            if transform['type'] in LOADING
        ]
        labels = DATASETS.build({**leaf, 'pipeline': loading})
        for index in Progress(range(len(labels)), desc='pixels of classes'):
            label = labels[index]['gt_seg_map']
            counts += np.bincount(label.ravel(), minlength=256)
    return counts[:num_classes]
