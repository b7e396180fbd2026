"""Parts of a training that have an effect only together."""

from __future__ import annotations

import logging
from itertools import chain

from mmengine.logging import print_log
from mmseg.registry import HOOKS, TRANSFORMS

from mmseg_sesam.config_checks.pipelines import (
    check_ids_stay,
    check_pipelines,
    check_same_steps,
    check_views,
)
from mmseg_sesam.config_checks.training import (
    TRAINING_ONLY,
    Training,
    hook_names,
    hook_option,
    iterate_hooks,
    model_names,
)
from mmseg_sesam.datasets.pipeline_configs import (
    iterate_transforms,
    remote_folder,
    transform_names,
)
from mmseg_sesam.type_names import lineage, option_of, type_name
from mmseg_sesam.validators import check_config_fields


def check_parts(training: Training) -> None:
    """Raises if a part has no effect without another that is missing."""
    for hook in [*training.hooks, *training.share_hooks]:
        kinds = lineage(hook, HOOKS) if isinstance(hook, dict) else ()
        for kind in kinds[:1]:
            check_config_fields(hook, kind)
    _check_hooks(training)
    _check_local_files(training)
    _warn_of_checkpoints_by_epoch(training)
    check_ids_stay(training.transforms)
    _check_all_views(training)
    if training.hooks:
        check_pipelines(training.dataset)
    for name in filter(training.find, TRAINING_ONLY):
        _check_readers(training, name)
        _check_pack(training, name)
    for loader in ('val_dataloader', 'test_dataloader'):
        dataset = (training.cfg.get(loader) or {}).get('dataset') or {}
        for step in iterate_transforms(dataset):
            if found := transform_names(step).intersection(TRAINING_ONLY):
                raise ValueError(
                    f'The pipeline of {loader} has {min(found)}, which only '
                    'training reads; take it out there.'
                )


def _check_all_views(training: Training) -> None:
    """Raises if images of a batch would be seen in different ways."""
    pipelines = [steps for _, steps in training.leaves]
    for steps in pipelines:
        check_views(steps)
    check_same_steps(
        pipelines,
        'KeepTeacherView',
        'since a batch has views of a teacher for all images or for none',
    )
    if training.is_sesam and training.model_option('regularizers'):
        check_same_steps(
            pipelines,
            'LoadRGBView',
            'since model.regularizers see the views only if all images of a '
            'batch have one',
        )


def _check_hooks(training: Training) -> None:
    """Raises if no hook, or more than one, makes the pseudo-labels."""
    # One that is disabled switches LoadPseudoLabel off.
    if (number := len(training.round_hooks)) > 1:
        raise ValueError(
            f'SAMPseudoLabelHook stands {number} times in '
            'custom_hooks and default_hooks, expected once; take the others '
            'out.'
        )
    if training.find('LoadPseudoLabel') and not training.hooks:
        raise ValueError(
            'The training pipeline has LoadPseudoLabel, and neither '
            'custom_hooks nor default_hooks has SAMPseudoLabelHook, which '
            'makes what it loads; add the hook as '
            'default_hooks.pseudo_labels, or take LoadPseudoLabel out to '
            'train without pseudo-labels.'
        )


def _check_local_files(training: Training) -> None:
    """Raises if a hook would not find files of another storage.

    `TrainingImages` reads images and label files from disk.
    """
    if not (training.hooks or training.share_hooks):
        return
    hook = 'SAMPseudoLabelHook' if training.hooks else 'ClassSharesHook'
    loaders = map(training.find, ('LoadImageFromFile', 'LoadWeakAnnotations'))
    for step in chain.from_iterable(loaders):
        backend = option_of(step, TRANSFORMS, 'backend_args')
        if backend and backend != dict(backend='local'):
            raise ValueError(
                f'{type_name(step)} has backend_args, and {hook} reads images '
                'and label files from disk; copy them to a disk, set '
                'data_prefix of the data set to their folders, and take '
                'backend_args out.'
            )
    folders = (remote_folder(dataset) for dataset, _ in training.leaves)
    if remote := next(filter(None, folders), None):
        raise ValueError(
            f'The training data set has the folder {remote}, and {hook} reads '
            'images and label files from disk; copy them to a disk, and set '
            'data_root and data_prefix of the data set to their folders.'
        )


def _check_readers(training: Training, name: str) -> None:
    """Raises if model or preprocessor do not read what `name` loads."""
    model = training.model
    if 'type' in model and not training.is_sesam:
        raise ValueError(
            f'The training pipeline has {name}, and the model is '
            f'{type_name(model)}, which does not read what it loads; set '
            'model.type to SeSAMEncoderDecoder or a class derived from it, '
            f'or take out {name}, and SAMPseudoLabelHook with '
            'LoadPseudoLabel.'
        )
    preprocessor = model.get('data_preprocessor') or {}
    names = model_names(preprocessor)
    if 'type' in model and 'SeSAMDataPreProcessor' not in names:
        found = type_name(preprocessor) if names else 'missing'
        raise ValueError(
            f'The training pipeline has {name}, and model.data_preprocessor '
            f'is {found}, which does not pad what it loads; set its type to '
            'SeSAMDataPreProcessor, which has the same options.'
        )


def _check_pack(training: Training, name: str) -> None:
    """Raises if the last step drops what `name` loads."""
    for _, steps in training.leaves:
        names = set().union(*map(transform_names, steps))
        if name in names and 'PackSeSAMInputs' not in names:
            last = type_name(steps[-1])
            raise ValueError(
                f'The training pipeline has {name} and ends with {last}, '
                'which does not hand on what it loads; end it with '
                'PackSeSAMInputs.'
            )


def _warn_of_checkpoints_by_epoch(training: Training) -> None:
    """Warns if CheckpointHook counts epochs in a loop that has none.

    by_epoch is True unless a config sets it.
    """
    if training.counts_epochs:
        return
    for hook in iterate_hooks(training.cfg):
        if 'CheckpointHook' not in hook_names(hook):
            continue
        interval = hook_option(hook, 'interval')
        if hook_option(hook, 'by_epoch') and interval != -1:
            print_log(
                f'CheckpointHook has by_epoch=True and interval={interval}, '
                'and train_cfg counts iterations: the only checkpoint is '
                'saved at the end, and a killed run begins again. Set '
                'default_hooks.checkpoint.by_epoch=False, and interval to '
                'a number of iterations.',
                logger='current',
                level=logging.WARNING,
            )
