"""Values that several parts of a config must agree on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from mmseg.registry import MODELS, TRANSFORMS

from mmseg_sesam.config_checks.training import Training, hook_option
from mmseg_sesam.datasets.class_counts import (
    REMEDY,
    differing_counts,
    head_counts,
    heads_of,
)
from mmseg_sesam.datasets.pipeline_configs import (
    classes_of,
    iterate_leaves,
    transform_names,
)
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.type_names import option_of, type_name

# The option of each transform that holds the value of unlabelled pixels.
_UNLABELLED = dict(
    RandomCutOut='seg_fill_in',
    RandomMosaic='seg_pad_val',
    RandomRotate='seg_pad_val',
)
# Transforms that change the scale of the values of an image.
_RESCALING = ('Normalize', 'Rerange')


def check_values(training: Training) -> None:
    """Raises if a value that several parts share is not the same in each."""
    _check_unlabelled(training)
    _check_classes(training)
    _check_evaluated_classes(training)
    _check_colours(training)


def _check_unlabelled(training: Training) -> None:
    """Raises if a part has another value for unlabelled pixels than 255."""
    # None: nothing tells, or labels are left as they are.
    found = dict.fromkeys(
        f'{value} as {place}'
        for place, value in _iterate_unlabelled(training)
        if value not in (None, UNLABELLED)
    )
    if found:
        raise ValueError(
            f'The config has {", ".join(found)}, expected {UNLABELLED}, the '
            'value of unlabelled pixels; correct these options, and where '
            'label files have another value, convert them with '
            '`tools/convert_annotations.py index-png --unlabelled VALUE`, or '
            'set reduce_zero_label=True of the data set if it is 0.'
        )


def _iterate_unlabelled(
    training: Training,
) -> Iterator[tuple[str, int | None]]:
    """Yields each option for unlabelled pixels, and its value."""
    for leaf, _ in training.leaves:
        yield f'ignore_index of {type_name(leaf)}', leaf.get('ignore_index')
    for step in training.transforms:
        names = transform_names(step)
        for name in names & _UNLABELLED.keys():
            value = option_of(step, TRANSFORMS, _UNLABELLED[name])
            yield f'{_UNLABELLED[name]} of {name}', value
        # It reads the value only to limit how much one class covers.
        if 'RandomCrop' in names and step.get('cat_max_ratio', 1) < 1:
            value = option_of(step, TRANSFORMS, 'ignore_index')
            yield 'ignore_index of RandomCrop', value
    for name, head in heads_of(training.model).items():
        if 'type' in head:
            value = option_of(head, MODELS, 'ignore_index')
            yield f'ignore_index of {name}', value
    preprocessor = training.model.get('data_preprocessor') or {}
    if 'type' in preprocessor:
        value = option_of(preprocessor, MODELS, 'seg_pad_val')
        yield 'seg_pad_val of data_preprocessor', value


def _check_classes(training: Training) -> None:
    """Raises if parts have different numbers of classes."""
    heads = head_counts(training.model)
    loader = training.cfg.get('val_dataloader') or {}
    validation = iterate_leaves(loader.get('dataset') or {})
    parts = dict(training=training.leaves, validation=validation)
    for kind, leaves in parts.items():
        for leaf, steps in leaves:
            found = differing_counts(heads, classes_of(leaf), steps)
            if found:
                raise ValueError(
                    f'The numbers of classes of the model and the {kind} data '
                    f'set differ ({found}); {REMEDY}.'
                )
    number = heads.get('num_classes of decode_head')
    for hook in training.hooks:
        shares = hook_option(hook, 'enrich_threshold')
        if number and np.ndim(shares) and len(shares) != number:
            raise ValueError(
                f'SAMPseudoLabelHook has enrich_threshold for {len(shares)} '
                f'classes and the decode head num_classes={number}; give one '
                'value, or one for each class.'
            )


def _check_evaluated_classes(training: Training) -> None:
    """Raises if validation or test have other classes than training.

    mmseg would convert the ids of their labels and not the predictions.
    """
    named = (classes_of(leaf) for leaf, _ in training.leaves)
    expected = next(filter(None, named), None)
    if expected is None:
        return
    for loader in ('val_dataloader', 'test_dataloader'):
        dataset = (training.cfg.get(loader) or {}).get('dataset') or {}
        for leaf, _ in iterate_leaves(dataset):
            classes = classes_of(leaf)
            if classes is not None and list(classes) != list(expected):
                raise ValueError(
                    f'The data set of {loader} has other classes than that of '
                    f'training: {describe_difference(expected, classes)}, '
                    f'expected {list(expected)}; set metainfo.classes to the '
                    'same list in both.'
                )


def describe_difference(
    expected: Sequence[str], classes: Sequence[str]
) -> str:
    """Says in which names two lists of classes differ, or their order."""
    odd = sorted(set(expected) ^ set(classes))
    if odd:
        return f'they differ in {odd}'
    return f'it has them as {list(classes)}'


def _check_colours(training: Training) -> None:
    """Raises if regularizers would see colours of another scale.

    `colours_of` undoes what the preprocessor does to values of 8 bits.
    """
    if not training.model_option('regularizers'):
        return
    for step in training.transforms:
        if transform_names(step).intersection(_RESCALING):
            raise ValueError(
                f'The training pipeline holds {type_name(step)}, and '
                'model.regularizers expect values from 0 to 255, or those of '
                'LoadRGBView, with their differences in colour; take it out, '
                'and set mean and std of model.data_preprocessor.'
            )
