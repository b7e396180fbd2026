"""Check that a deterministic training can be validated."""

from __future__ import annotations

from mmengine.device import get_device
from mmseg.registry import METRICS

from mmseg_sesam.config_checks.training import Training
from mmseg_sesam.type_names import metrics_of, type_names


def check_deterministic(training: Training) -> None:
    """Raises if torch would stop the first validation on a GPU.

    With `deterministic=True` torch raises an error at every kernel without a
    deterministic version, and IoUMetric calls `torch.histc` on the GPU.
    """
    cfg = training.cfg
    randomness = cfg.get('randomness') or {}
    if not randomness.get('deterministic') or get_device() != 'cuda':
        return
    for metric in metrics_of(cfg.get('val_evaluator')):
        if 'IoUMetric' in type_names(metric, METRICS):
            raise ValueError(
                'randomness has deterministic=True, and IoUMetric of '
                'val_evaluator calls torch.histc, which is not deterministic '
                'on a GPU, so that the first validation would fail; take '
                'deterministic out of randomness.'
            )
