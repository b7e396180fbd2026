"""What a training pipeline says of weak labels and pseudo-labels."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from mmseg_sesam.type_names import type_name

# They treat labels other than gt_seg_map wrongly, or not at all.
_HARMFUL = ('RandomRotFlip', 'Albu', 'CenterCrop', 'Pad')
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


def find_transforms(
    dataset: dict, name: str, key: str = 'train_dataloader.dataset'
) -> dict[str, dict]:
    """Finds all transforms of a type in a data set's pipelines.

    Args:
        dataset: config of a data set.
        name: of the type.
        key: where the data set is in the config.

    Returns:
        Configs of the transforms by their dotted keys, as `--cfg-options`
        takes them.
    """
    found = {
        f'{key}.pipeline.{index}': step
        for index, step in enumerate(dataset.get('pipeline', []))
        if type_name(step) == name
    }
    parts = dict(enumerate(dataset.get('datasets', [])))
    for index, part in parts.items():
        found.update(find_transforms(part, name, f'{key}.datasets.{index}'))
    if dataset.get('dataset') is not None:
        found.update(
            find_transforms(dataset['dataset'], name, f'{key}.dataset')
        )
    return found


def transform_names(dataset: dict) -> set[str]:
    """Collects what is in a data set's pipelines, wrappers included.

    Args:
        dataset: config of a data set.

    Returns:
        Names of classes, also of transforms that others choose from.
    """
    pipelines = iterate_pipelines(dataset)
    return {
        type_name(part) for p in pipelines for part in _iterate_transforms(p)
    }


def _iterate_transforms(pipeline: Sequence[Any]) -> Iterator[dict]:
    """Yields all transforms, those that others choose from included."""
    for part in pipeline:
        if isinstance(part, dict):
            yield part
            part = part.get('transforms', [])
            part = [part] if isinstance(part, dict) else part
        yield from _iterate_transforms(part)


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
    harmful = transform_names(dataset).intersection(_HARMFUL)
    if harmful:
        raise ValueError(
            f'The training pipeline holds {min(harmful)}, which does not '
            'move all label maps along with the image; use RandomCrop, '
            'RandomFlip, RandomRotate or Resize of mmseg, and let the data '
            'preprocessor pad.'
        )
    for steps in _iterate_steps(dataset):
        _refuse_parted_views(steps)
    sources = []
    for pipeline in iterate_pipelines(dataset):
        names = [type_name(transform) for transform in pipeline]
        if 'LoadPseudoLabel' not in names:
            # A wrapper's pipeline loads nothing.
            if any(name.startswith(_LOADING) for name in names):
                sources.append(None)
            continue
        place = names.index('LoadPseudoLabel')
        sources.append(pipeline[place])
        others = [n for n in names[:place] if not n.startswith(_LOADING)]
        if others:
            raise ValueError(
                f'The training pipeline holds {others} before '
                'LoadPseudoLabel; pseudo-labels are of the whole image: '
                'load them right after the weak labels.'
            )
    first = sources[0] if sources else None
    if first is None or any(source != first for source in sources):
        raise ValueError(
            'The training pipeline needs LoadPseudoLabel after the weak '
            'labels are loaded, with the same options in all data sets; '
            f'found {sources}.'
        )
    return first


def _iterate_steps(
    dataset: dict, later: Sequence[dict] = ()
) -> Iterator[list[dict]]:
    """Yields all that an image goes through, in wrappers too."""
    steps = [*dataset.get('pipeline', []), *later]
    parts = _parts(dataset)
    for part in parts:
        yield from _iterate_steps(part, steps)
    if not parts:
        yield steps


def _parts(dataset: dict) -> list[dict]:
    """The data sets that a wrapper wraps."""
    parts = [*dataset.get('datasets', []), dataset.get('dataset')]
    return [part for part in parts if part is not None]


def _refuse_parted_views(steps: Sequence[dict]) -> None:
    """Refuses to move the student's view after the teacher's is kept."""
    names = [type_name(transform) for transform in steps]
    if 'KeepTeacherView' not in names:
        return
    later = steps[names.index('KeepTeacherView') :]
    for name in map(type_name, _iterate_transforms(later)):
        if any(part in name for part in _MOVING):
            raise ValueError(
                f'The training pipeline holds {name} after KeepTeacherView, '
                "which would part the student's view from the teacher's; "
                'place KeepTeacherView after all transforms that move pixels.'
            )


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
        if with_pseudo_labels or type_name(transform) != 'LoadPseudoLabel'
    ]
    dataset['pipeline'] = [*loading, dict(type='PackSeSAMInputs')]
    return dataset


def _loads(transform: dict) -> bool:
    return type_name(transform).startswith(_LOADING)
