"""The training images of a config, whole and each once."""

from __future__ import annotations

import copy

from mmengine.dataset import BaseDataset, ConcatDataset
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.pipelines import iterate_pipelines
from mmseg_sesam.type_names import type_name

# What a pipeline loads an image and its labels with, by the name's beginning.
_LOADING = ('Load', 'Simulate')


def build_whole_images(
    dataset: dict, with_pseudo_labels: bool
) -> BaseDataset | ConcatDataset:
    """Builds a training data set whose pipelines end where they augment.

    Args:
        dataset: config of the training data set. Wrappers of several data
            sets are kept, those that repeat or mix images are taken off.
        with_pseudo_labels: whether to load those of the published round, if
            training does.

    Returns:
        A data set of samples as `PackSeSAMInputs` packs them.
    """
    dataset = copy.deepcopy(dataset)
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    for pipeline in iterate_pipelines(dataset):
        loading = []
        for transform in pipeline:
            if not type_name(transform).startswith(_LOADING):
                break
            if with_pseudo_labels or type_name(transform) != 'LoadPseudoLabel':
                loading.append(transform)
        pipeline[:] = [*loading, dict(type='PackSeSAMInputs')]
    return DATASETS.build(dataset)
