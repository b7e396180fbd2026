"""What a training pipeline says of weak labels and pseudo-labels."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import mmcv.transforms as of_mmcv
import mmseg.datasets.transforms as of_mmseg
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_sesam.type_names import lineage, option, type_name, type_names

# They treat labels other than gt_seg_map wrongly, or not at all.
_HARMFUL = (
    of_mmcv.CenterCrop,
    of_mmcv.Pad,
    of_mmcv.RandomFlip,
    of_mmcv.Resize,
    of_mmseg.Albu,
    of_mmseg.BioMedical3DPad,
    of_mmseg.BioMedical3DRandomCrop,
    of_mmseg.BioMedical3DRandomFlip,
    of_mmseg.RandomRotFlip,
)
# Derived from some of those; they treat all labels alike.
_HARMLESS = (of_mmseg.RandomFlip, of_mmseg.Resize)
# They make the Resize that they call, by its name.
_RESIZING = ('RandomChoiceResize', 'RandomResize')
# Parts of the names of transforms that move pixels.
_MOVING = ('Resize', 'Crop', 'Flip', 'Rotate', 'Mosaic')
# What loads images and labels, by the beginning of its name.
_LOADING = ('Load', 'Simulate')


def iterate_pipelines(dataset: dict) -> Iterator[list[dict]]:
    """Yields the pipelines in a data set's config, wrappers included.

    Args:
        dataset: config of a data set.
    """
    for part in _parts(dataset):
        yield from iterate_pipelines(part)
    if 'pipeline' in dataset:
        yield dataset['pipeline']


def transform_names(dataset: dict) -> set[str]:
    """Collects what is in a data set's pipelines, wrappers included.

    Args:
        dataset: config of a data set.

    Returns:
        Names of classes and their base classes, also of transforms that
        others choose from.
    """
    names = (_names(step) for step in iterate_transforms(dataset))
    return set().union(*names)


def iterate_transforms(dataset: dict) -> Iterator[dict]:
    """Yields all transforms of a data set, wrappers included.

    Args:
        dataset: config of a data set.

    Yields:
        Configs, also of transforms that others apply.
    """
    for pipeline in iterate_pipelines(dataset):
        yield from _iterate_nested(pipeline)


def _iterate_nested(part: Any) -> Iterator[dict]:
    """Yields all transforms in a part of a config, by whatever option."""
    if isinstance(part, dict):
        if 'type' in part:
            yield part
            if _names(part).intersection(_RESIZING):
                yield dict(type=part.get('resize_type', 'Resize'))
        part = list(part.values())
    if isinstance(part, (list, tuple)):
        for child in part:
            yield from _iterate_nested(child)


def _names(step: dict) -> set[str]:
    return type_names(step, TRANSFORMS)


def pseudo_label_source(dataset: dict) -> dict:
    """Finds where a training data set has its pseudo-labels from.

    Args:
        dataset: config of the training data set.

    Returns:
        The config of its `LoadPseudoLabel`.

    Raises:
        ValueError: it loads none, loads them from several places or after
            the image has been changed, or a transform would part them, or
            the teacher's view, from the image.
    """
    for step in iterate_transforms(dataset):
        _refuse_harmful(step)
    for steps in iterate_steps(dataset):
        _check_views_aligned(steps)
    sources = []
    for pipeline in iterate_pipelines(dataset):
        found = [_names(step) for step in pipeline]
        places = [i for i, n in enumerate(found) if 'LoadPseudoLabel' in n]
        if not places:
            # A wrapper's pipeline loads nothing.
            if any(map(_loads, pipeline)):
                sources.append(None)
            continue
        place = places[0]
        sources.append(pipeline[place])
        others = [type_name(s) for s in pipeline[:place] if not _loads(s)]
        if others:
            raise ValueError(
                f'The training pipeline holds {others} before '
                'LoadPseudoLabel; pseudo-labels are of the whole image: '
                'load them right after the weak labels.'
            )
    if not sources or None in sources:
        number = sources.count(None)
        raise ValueError(
            'The training pipeline needs LoadPseudoLabel after the weak '
            'labels are loaded, with the same options in all data sets; '
            f'{number} of {len(sources)} pipelines have none: add it there.'
        )
    _refuse_several_sources(sources)
    return sources[0]


def _refuse_harmful(step: dict) -> None:
    """Refuses a transform that moves an image but not all its labels."""
    kinds = set(lineage(step, TRANSFORMS))
    if not kinds.intersection(_HARMFUL) or kinds.intersection(_HARMLESS):
        return
    name = type_name(step)
    # Two of mmcv's have the same name as mmseg's.
    if kinds.intersection((of_mmcv.RandomFlip, of_mmcv.Resize)):
        name = f'{name} of mmcv'
    raise ValueError(
        f'The training pipeline holds {name}, which does not move all label '
        'maps along with the image; use RandomCrop, RandomFlip, RandomRotate '
        'or Resize of mmseg, and let the data preprocessor pad.'
    )


def _refuse_several_sources(sources: Sequence[dict]) -> None:
    """Refuses data sets whose LoadPseudoLabel have different options."""
    names = dict.fromkeys(name for source in sources for name in source)
    for name in names:
        values = [source.get(name) for source in sources]
        if name == 'type' or all(value == values[0] for value in values):
            continue
        raise ValueError(
            'The training pipeline needs LoadPseudoLabel after the weak '
            'labels are loaded, with the same options in all data sets, '
            f'since one store serves all of them; {name} differs '
            f'({", ".join(map(repr, dict.fromkeys(values)))}): set {name} to '
            'the same value in each.'
        )


def iterate_steps(
    dataset: dict, later: Sequence[dict] = ()
) -> Iterator[list[dict]]:
    """Yields the steps that an image goes through, in wrappers too.

    Args:
        dataset: config of a data set.
        later: steps that a wrapper applies after those of the data set.

    Yields:
        The steps of each data set that is joined.
    """
    for _, steps in iterate_leaves(dataset, later):
        yield steps


def iterate_leaves(
    dataset: dict, later: Sequence[dict] = ()
) -> Iterator[tuple[dict, list[dict]]]:
    """Yields the data sets within wrappers.

    Args:
        dataset: config of a data set.
        later: steps that a wrapper applies after those of the data set.

    Yields:
        The config of a data set, and the steps its images go through.
    """
    steps = [*dataset.get('pipeline', []), *later]
    parts = _parts(dataset)
    for part in parts:
        yield from iterate_leaves(part, steps)
    if not parts:
        yield dataset, steps


def _parts(dataset: dict) -> list[dict]:
    """The data sets that a wrapper wraps."""
    parts = [*dataset.get('datasets', []), dataset.get('dataset')]
    return [part for part in parts if part is not None]


def _check_views_aligned(steps: Sequence[dict]) -> None:
    """Refuses to move the student's view after the teacher's is kept."""
    keeping = ['KeepTeacherView' in _names(step) for step in steps]
    if not any(keeping):
        return
    for step in _iterate_nested(steps[keeping.index(True) :]):
        if any(part in name for name in _names(step) for part in _MOVING):
            raise ValueError(
                f'The training pipeline holds {type_name(step)} after '
                'KeepTeacherView, '
                "which would part the student's view from the teacher's; "
                'place KeepTeacherView after all transforms that move pixels.'
            )


def common_data_root(dataset: dict) -> str:
    """Returns the folder to which pseudo-labels are named relative.

    Args:
        dataset: config of the training data set.

    Returns:
        The absolute path of data_root of the data set; of the folder that
        holds all of them where there are several, or where images lie
        outside of it.
    """
    folders = []
    for leaf, _ in iterate_leaves(dataset):
        root = option(leaf, DATASETS, 'data_root') or ''
        prefix = (leaf.get('data_prefix') or {}).get('img_path') or ''
        images = os.path.join(root, prefix)
        folders += [os.path.abspath(root or images), os.path.abspath(images)]
    return os.path.commonpath(folders)


def loading_dataset(dataset: dict, with_pseudo_labels: bool = False) -> dict:
    """Reduces a training data set to loading: whole images, each once.

    Args:
        dataset: config of the training data set. Wrappers of several data
            sets are kept, those that repeat or mix images are taken off.
        with_pseudo_labels: whether to load those of the published round, if
            training does.

    Returns:
        A copy whose pipelines end where they would change an image, and
        pack what they have.
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
        transform
        for transform in takewhile(_loads, dataset['pipeline'])
        if with_pseudo_labels or 'LoadPseudoLabel' not in _names(transform)
    ]
    dataset['pipeline'] = [*loading, dict(type='PackSeSAMInputs')]
    return dataset


def _loads(transform: dict) -> bool:
    return any(name.startswith(_LOADING) for name in _names(transform))
