"""Reads the data sets and pipelines of configs."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_sesam.type_names import lineage, option_of, type_names

# Transforms that build a Resize by its name.
_RESIZING = ('RandomChoiceResize', 'RandomResize')
# Prefixes of the names of transforms that load images and labels.
_LOADING = ('Load', 'Simulate')
# Parts of the names of those that load or make labels.
_LABELLING = ('Annotation', 'LoadPseudoLabel', 'Simulate')


def wrapped_datasets(dataset: Any) -> list[Any]:
    """Returns the data sets, or their configs, that a wrapper holds."""
    read = dict.get if isinstance(dataset, dict) else getattr
    parts = [*(read(dataset, 'datasets', None) or [])]
    parts.append(read(dataset, 'dataset', None))
    return [part for part in parts if part is not None]


def leaf_datasets(dataset: Any) -> Iterator[Any]:
    """Yields the data sets, or their configs, within all wrappers."""
    parts = wrapped_datasets(dataset)
    for part in parts:
        yield from leaf_datasets(part)
    if not parts:
        yield dataset


def iterate_leaves(
    dataset: dict, later: Sequence[dict] = ()
) -> Iterator[tuple[dict, list[dict]]]:
    """Yields configs of data sets, with all transforms of their images.

    The transforms of wrappers, here `later`, follow the data set's own.
    """
    steps = [*dataset.get('pipeline', []), *later]
    parts = wrapped_datasets(dataset)
    for part in parts:
        yield from iterate_leaves(part, steps)
    if not parts:
        yield dataset, steps


def classes_of(dataset: dict) -> list[str] | None:
    """Returns the classes of a data set, or None if its config lacks them."""
    return metainfo_of(dataset).get('classes')


def metainfo_of(dataset: dict) -> dict:
    """Returns classes, palette and more of a data set, as its config says."""
    kinds = lineage(dataset, DATASETS)
    if not kinds or not hasattr(kinds[0], '_load_metainfo'):
        return {}
    return kinds[0]._load_metainfo(dataset.get('metainfo'))


def remote_folder(dataset: dict) -> str | None:
    """Returns the first folder of a data set that is on no local disk.

    mmengine opens a path with '://' in its storage, also without
    `backend_args`. None if all folders are local.

    Example:
        >>> remote_folder(dict(data_root='s3://bucket/data'))
        's3://bucket/data'
    """
    root = option_of(dataset, DATASETS, 'data_root')
    prefixes = option_of(dataset, DATASETS, 'data_prefix')
    prefixes = prefixes if isinstance(prefixes, dict) else {}
    folders = map(str, [root, *prefixes.values()])
    return next((folder for folder in folders if '://' in folder), None)


def iterate_pipelines(dataset: dict) -> Iterator[list[dict]]:
    """Yields the pipelines of a data set's config and of its wrappers."""
    for part in wrapped_datasets(dataset):
        yield from iterate_pipelines(part)
    if 'pipeline' in dataset:
        yield dataset['pipeline']


def inference_pipeline(
    cfg: dict,
    loaders: Sequence[str] = ('val_dataloader', 'test_dataloader'),
) -> list[dict]:
    """Returns the pipeline of the first of some data loaders that is there.

    A config without them may have it as its test_pipeline. Without that
    images are loaded as training loads them. Empty if there is no training
    either.
    """
    for name in loaders:
        if cfg.get(name):
            return next(iterate_pipelines(cfg[name]['dataset']), [])
    if cfg.get('test_pipeline'):
        return cfg['test_pipeline']
    train = cfg.get('train_dataloader')
    steps = image_steps(train['dataset']) if train else []
    return [*steps, dict(type='PackSegInputs')] if steps else []


def image_steps(dataset: dict) -> list[dict]:
    """Returns the steps that load an image of a data set, without labels."""
    _, steps = next(iterate_leaves(dataset))
    loading = [s for s in takewhile(loads, steps) if not makes_label(s)]
    return copy.deepcopy(loading)


def iterate_transforms(dataset: dict) -> Iterator[dict]:
    """Yields all transforms of a data set, also those that others apply."""
    for pipeline in iterate_pipelines(dataset):
        yield from iterate_nested(pipeline)


def iterate_nested(part: Any) -> Iterator[dict]:
    """Yields all transforms in a part of a config, at any depth."""
    if isinstance(part, dict):
        if 'type' in part:
            yield part
            if transform_names(part).intersection(_RESIZING):
                yield dict(type=part.get('resize_type', 'Resize'))
        part = list(part.values())
    if isinstance(part, (list, tuple)):
        for child in part:
            yield from iterate_nested(child)


def transform_names(step: dict) -> set[str]:
    """Returns the names of a transform's class and its base classes."""
    return type_names(step, TRANSFORMS)


def loads(step: dict) -> bool:
    """Returns whether a transform loads an image or a label."""
    return any(name.startswith(_LOADING) for name in transform_names(step))


def makes_label(step: dict) -> bool:
    """Returns whether a transform loads or makes a label."""
    return any(part in n for n in transform_names(step) for part in _LABELLING)


def packs(step: dict) -> bool:
    """Returns whether a transform packs image and labels for the model."""
    return 'PackSegInputs' in transform_names(step)


def common_data_root(dataset: Any) -> str:
    """Returns the absolute folder to which pseudo-labels are named relative.

    This is the data set's data_root; with several data sets, or images
    outside of data_root, the folder that holds all.

    Args:
        dataset: a built data set, since its class may set folders.
    """
    folders = []
    for leaf in leaf_datasets(dataset):
        root = getattr(leaf, 'data_root', None) or ''
        prefixes = getattr(leaf, 'data_prefix', None) or {}
        images = prefixes.get('img_path') or ''
        folders += [os.path.abspath(root or images), os.path.abspath(images)]
    return os.path.commonpath(folders)


def loading_dataset(dataset: dict, with_pseudo_labels: bool = False) -> dict:
    """Returns the config reduced to loading: whole images, each once.

    Pipelines end before the first transform that changes an image, and pack.
    Wrappers that join data sets remain; wrappers that repeat or mix images
    are removed.
    """
    if 'dataset' in dataset:
        return loading_dataset(dataset['dataset'], with_pseudo_labels)
    dataset = copy.deepcopy(dataset)
    if 'datasets' in dataset:
        dataset['datasets'] = [
            loading_dataset(part, with_pseudo_labels)
            for part in dataset['datasets']
        ]
        return dataset
    loading = [
        step
        for step in takewhile(loads, dataset['pipeline'])
        if with_pseudo_labels or 'LoadPseudoLabel' not in transform_names(step)
    ]
    dataset['pipeline'] = [*loading, dict(type='PackSeSAMInputs')]
    return dataset


def view_steps(dataset: dict) -> list[dict]:
    """Returns the steps that load an image, and `LoadRGBView`.

    Steps that load labels are left out; without `LoadRGBView` there are none.
    """
    for pipeline in iterate_pipelines(dataset):
        views = [_is_view(step) for step in pipeline]
        if any(views):
            steps = pipeline[: views.index(True) + 1]
            return copy.deepcopy([s for s in steps if not makes_label(s)])
    return []


def view_of(cfg: Config) -> list[dict]:
    """Returns `view_steps` of the training; [] for a config without one."""
    loader = cfg.get('train_dataloader')
    return view_steps(loader.dataset) if loader else []


def _is_view(step: dict) -> bool:
    return 'LoadRGBView' in transform_names(step)


def with_view_of(cfg: dict, steps: Sequence[dict]) -> list[dict]:
    """Adds the `LoadRGBView` of training to steps that load an image.

    The first of the steps loads the image. Steps that have a view of their
    own stay as they are.
    """
    view = view_steps(cfg['train_dataloader']['dataset'])[-1:]
    if any(map(_is_view, steps)):
        view = []
    return [*steps[:1], *view, *steps[1:]]
