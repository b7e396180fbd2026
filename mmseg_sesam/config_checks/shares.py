"""Checks that known class shares fit the data set and have an effect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mmseg.registry import DATASETS

from mmseg_sesam.config_checks.training import Training, hook_option
from mmseg_sesam.config_checks.values import classes_of
from mmseg_sesam.datasets.file_ids import file_ids
from mmseg_sesam.datasets.pipeline_configs import iterate_leaves
from mmseg_sesam.io.class_shares import ClassShares, read_shares
from mmseg_sesam.io.listing import LABEL_SUFFIXES
from mmseg_sesam.type_names import type_name
from mmseg_sesam.validators import Rule

SHARES = Rule(
    lambda value: (
        isinstance(value, (Mapping, str, os.PathLike)) and bool(value)
    ),
    'a share for each class by its name, or a path',
)


def check_shares(training: Training) -> None:
    """Raises if ClassSharesHook has no effect, or shares do not fit."""
    hooks = training.share_hooks
    if not hooks:
        return
    if len(hooks) > 1:
        raise ValueError(
            f'ClassSharesHook stands {len(hooks)} times in custom_hooks and '
            'default_hooks, expected once; take the others out.'
        )
    if 'type' in training.model and not training.is_sesam:
        raise ValueError(
            'The config has ClassSharesHook, and the model is '
            f'{type_name(training.model)}, which has no teacher to adjust; '
            'set model.type to SeSAMEncoderDecoder, or '
            'take the hook out.'
        )
    teacher = training.model_option('teacher')
    if teacher != 'online' and not training.refreshes:
        raise ValueError(
            'The config has ClassSharesHook, which adjusts what a teacher '
            f'predicts, and the model has teacher={teacher!r} without '
            "refreshes; set teacher='online', or take the hook out, as with "
            '--cfg-options default_hooks.class_shares=None.'
        )
    shares = hook_option(hooks[0], 'shares')
    # A built hook reads them when training begins. Dense labels may take
    # minutes to count: only that hook does.
    is_folder = not isinstance(shares, Mapping) and os.path.isdir(shares)
    if isinstance(hooks[0], dict) and not is_folder:
        shares_of(shares, training.dataset)


def shares_of(shares: Any, dataset: dict) -> tuple[ClassShares, list[str]]:
    """Returns the true shares of a training set, and its classes.

    Args:
        shares: option of `ClassSharesHook`.
        dataset: config of the training data set.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: the data set has no classes, or shares do not fit them.

    Dense labels of which shares are counted have the ids of the first data
    set's files, and names that end as theirs do.
    """
    leaf, _ = next(iterate_leaves(dataset))
    classes = classes_of(leaf)
    if classes is None:
        raise ValueError(
            'ClassSharesHook has shares of classes by their names, and the '
            'training data set has none; set metainfo=dict(classes=...) of '
            'the data set.'
        )
    files = {} if isinstance(shares, Mapping) else _files_of(leaf)
    return read_shares(shares, classes, **files), list(classes)


def _files_of(leaf: dict) -> dict[str, Any]:
    """Returns how `read_shares` reads label files of a data set.

    The data set is built without its files to know how it maps ids.
    """
    built = DATASETS.build(dict(leaf, pipeline=[], lazy_init=True))
    return dict(
        file_ids(built),
        ending=getattr(built, 'seg_map_suffix', LABEL_SUFFIXES),
    )
