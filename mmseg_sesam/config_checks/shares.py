"""Checks that known class shares fit the data set and have an effect."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mmseg_sesam.config_checks.training import Training, hook_option
from mmseg_sesam.datasets.class_shares import shares_of
from mmseg_sesam.type_names import type_name


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
    if training.model_option('only_weak_classes'):
        raise ValueError(
            'The config has ClassSharesHook, and the model has '
            'only_weak_classes=True, with which whole images would get the '
            'label of a rare class; set only_weak_classes=False, or take the '
            'hook out, as with --cfg-options default_hooks.class_shares=None.'
        )
    shares = hook_option(hooks[0], 'shares')
    # A built hook reads them when training begins. Dense labels may take
    # minutes to count: only that hook does.
    is_folder = not isinstance(shares, Mapping) and os.path.isdir(shares)
    if isinstance(hooks[0], dict) and not is_folder:
        shares_of(shares, training.dataset)
