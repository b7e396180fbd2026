"""The kind of label that each image of a training set has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import mmengine.fileio as fileio
from mmengine.dataset import RepeatDataset
from mmseg.registry import TRANSFORMS
from torch.utils.data import Dataset

from mmseg_sesam.datasets.loading import LoadWeakAnnotations, label_path
from mmseg_sesam.datasets.pipeline_configs import (
    transform_names,
    wrapped_datasets,
)
from mmseg_sesam.datasets.simulate import SIMULATED_KINDS, SimulateWeakLabel
from mmseg_sesam.structures import NO_LABEL
from mmseg_sesam.type_names import option_of

# Kind of images whose data set names none.
UNSAID = 'weak'


def kind_of_steps(steps: Sequence[dict]) -> str | None:
    """Returns the kind that a config's transforms say, None if none does.

    Images without a label file may be of kind 'none' besides, see
    `allows_unlabelled`.
    """
    kind = None
    for step in steps:
        names = transform_names(step)
        if 'LoadWeakAnnotations' in names:
            kind = option_of(step, TRANSFORMS, 'kind')
        elif 'SimulateWeakLabel' in names and kind != NO_LABEL:
            kind = SIMULATED_KINDS.get(step.get('kind'))
    return kind


def allows_unlabelled(steps: Sequence[dict]) -> bool:
    """Returns whether a config's transforms load images without a label."""
    return any(
        option_of(step, TRANSFORMS, 'unlabelled') == 'allow'
        for step in steps
        if 'LoadWeakAnnotations' in transform_names(step)
    )


def image_kinds(dataset: Dataset) -> list[str | None]:
    """Returns the kind of label of each image of a built data set.

    None where no data set says it. Files are looked for where images without
    a label are allowed.

    Raises:
        ValueError: a wrapper does not tell which images it takes.
    """
    parts = wrapped_datasets(dataset)
    if not parts:
        return _kinds_of_leaf(dataset)
    kinds = [kind for part in parts for kind in image_kinds(part)]
    if isinstance(dataset, RepeatDataset):
        return [kinds[i % len(kinds)] for i in range(len(dataset))]
    # Of ClassBalancedDataset; of torch's Subset and most others.
    for name in ('repeat_indices', 'indices'):
        if (places := getattr(dataset, name, None)) is not None:
            return [kinds[place] for place in places]
    if len(dataset) != len(kinds):
        raise ValueError(
            f'{type(dataset).__name__} has {len(dataset)} images of '
            f'{len(kinds)} in its data sets, and does not tell which: give '
            'it an attribute `indices`, the place of each image in them.'
        )
    return kinds


def _kinds_of_leaf(dataset: Any) -> list[str | None]:
    """Returns the kinds of a data set that wraps no other one."""
    pipeline = getattr(dataset, 'pipeline', None) or []
    kind, allows, backend = None, False, None
    for step in getattr(pipeline, 'transforms', pipeline):
        if isinstance(step, LoadWeakAnnotations):
            kind, allows = step.kind, step.unlabelled == 'allow'
            backend = step.backend_args
        elif isinstance(step, SimulateWeakLabel) and kind != NO_LABEL:
            kind = step.kind
    if not allows or kind == NO_LABEL:
        return [kind] * len(dataset)
    infos = map(dataset.get_data_info, range(len(dataset)))
    return [
        kind if _is_file(label_path(info), backend) else NO_LABEL
        for info in infos
    ]


def _is_file(path: str, backend_args: dict | None) -> bool:
    """Returns whether a label exists where LoadWeakAnnotations reads it."""
    # mmengine looks up the backend of each path, which takes longer.
    if backend_args is None and '://' not in path:
        return os.path.isfile(path)
    return fileio.isfile(path, backend_args=backend_args)
