"""A deterministic training on a GPU, which none of the tests has."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mmseg_sesam.config_checks import check_config

from .changes import MakeConfig, assert_refused

METRICS = [dict(type='BoundaryIoU'), dict(type='IoUMetric')]


@pytest.mark.parametrize(
    'metrics', [METRICS, METRICS[1], dict(type='Evaluator', metrics=METRICS)]
)
def test_deterministic_training_is_refused_where_validation_would_fail(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, metrics: object
) -> None:
    def spoil(cfg: Config) -> None:
        cfg.val_evaluator = metrics
        cfg.randomness.deterministic = True

    cfg = make_config()
    spoil(cfg)
    check_config(cfg)
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cuda')
    found = 'IoUMetric of val_evaluator calls torch.histc'
    assert_refused(make_config, spoil, found)
    cfg.val_evaluator = METRICS[0]
    check_config(cfg)
    cfg.merge_from_dict(
        dict(val_evaluator=metrics, randomness=dict(deterministic=False))
    )
    check_config(cfg)
