"""Model, data set and hook that do not fit each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmseg_sesam.datasets.pipelines import transform_names
from mmseg_sesam.models import SeSAMEncoderDecoder

_SHARDING_WRAPPERS = ('MMFullyShardedDataParallel', 'MMDeepSpeedEngineWrapper')


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """The segmentor itself, without what distributes it."""
    return model.module if is_model_wrapper(model) else model


def stores_opinions(runner: Runner) -> bool:
    """Whether training reads the teacher's opinion from the store."""
    return _teacher_mode(runner) == 'round'


def refuse_misfits(
    runner: Runner,
    source: dict,
    max_rounds: int,
    tau: float | Sequence[float],
) -> None:
    """Refuses what would fail, or go wrong unnoticed, hours later.

    Args:
        runner: whose model, data set and config are looked at.
        source: config of the `LoadPseudoLabel`.
        max_rounds: number of refreshes.
        tau: threshold of refreshes, for all classes or one for each.

    Raises:
        ValueError: two of them do not fit each other.
    """
    _refuse_models(runner, max_rounds)
    _refuse_classes(runner, tau)
    _refuse_teachers(runner, source, max_rounds)
    dataset = runner.cfg.train_dataloader.dataset
    only_weak = getattr(unwrap(runner.model), 'only_weak_classes', False)
    if only_weak and 'RandomMosaic' in transform_names(dataset):
        raise ValueError(
            'The training pipeline holds RandomMosaic, whose images show '
            'classes of several weak labels, and the model has '
            'only_weak_classes=True, which allows those of the first; take '
            'one of both out.'
        )


def _teacher_mode(runner: Runner) -> str | None:
    return getattr(unwrap(runner.model), 'teacher_mode', None)


def _refuse_models(runner: Runner, max_rounds: int) -> None:
    """Refuses models that cannot be asked for their opinion."""
    if type(runner.model).__name__ in _SHARDING_WRAPPERS:
        raise ValueError(
            f'{type(runner.model).__name__} shards the parameters that the '
            'teacher copies; train with DDP (MMDistributedDataParallel) '
            'instead.'
        )
    model = unwrap(runner.model)
    if max_rounds and not isinstance(model, SeSAMEncoderDecoder):
        raise ValueError(
            f'SAMPseudoLabelHook refreshes with SeSAMEncoderDecoder, got '
            f'{type(model).__name__}; set model.type, or max_rounds=0.'
        )


def _refuse_classes(runner: Runner, tau: float | Sequence[float]) -> None:
    """Refuses numbers of classes that differ."""
    number = unwrap(runner.model).num_classes
    classes = runner.train_dataloader.dataset.metainfo.get('classes')
    if classes is not None and len(classes) != number:
        raise ValueError(
            f'The training data set has {len(classes)} classes and the '
            f'decode head num_classes={number}; set num_classes of all heads '
            'to the number of classes.'
        )
    if np.ndim(tau) and len(tau) != number:
        raise ValueError(
            f'SAMPseudoLabelHook has tau for {len(tau)} classes and the '
            f'decode head num_classes={number}; give one tau, or one for '
            'each class.'
        )


def _refuse_teachers(runner: Runner, source: dict, max_rounds: int) -> None:
    """Refuses a teacher of whom the data set loads too much or little."""
    stores = stores_opinions(runner)
    loads = source.get('with_confident', False)
    if stores != loads:
        raise ValueError(
            f"LoadPseudoLabel has with_confident={loads} and the model's "
            f'teacher is {_teacher_mode(runner)!r}; with_confident=True goes '
            "with teacher='round', and neither without the other."
        )
    if stores and not max_rounds:
        raise ValueError(
            "The model has teacher='round', whose predictions refreshes "
            'store, and SAMPseudoLabelHook max_rounds=0; set max_rounds to 1 '
            "or more, or teacher='online'."
        )
