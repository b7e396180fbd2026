"""Transforms that have no effect outside of training."""

from __future__ import annotations

from mmengine.config import Config

from mmseg_sesam.config_checks.training import transform_names
from mmseg_sesam.datasets.pipeline_configs import iterate_transforms

_TRAINING_ONLY = {'LoadPseudoLabel', 'KeepTeacherView'}


def check_evaluation(cfg: Config) -> None:
    """Checks that validation and test have no transform of training only.

    Args:
        cfg: of a training.

    Raises:
        ValueError: a pipeline has a transform that only training reads.
    """
    for loader in ('val_dataloader', 'test_dataloader'):
        dataset = (cfg.get(loader) or {}).get('dataset') or {}
        for step in iterate_transforms(dataset):
            found = _TRAINING_ONLY & transform_names(step)
            if found:
                raise ValueError(
                    f'The pipeline of {loader} has {min(found)}, which only '
                    'training reads; take it out there.'
                )
