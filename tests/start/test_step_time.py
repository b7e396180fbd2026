from __future__ import annotations

from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_sesam.start.machine import Machine


def test_prepare_measures_a_step_for_a_time(plan_photos) -> None:
    start = plan_photos(minutes=600)

    cfg = Config.fromfile(start.config)
    assert cfg.train_cfg.max_iters == start.plan.max_iters.value >= 100
    assert 'measured on this machine' in start.config.read_text()


def test_prepare_for_a_gpu_writes_a_network_that_is_built(plan_photos) -> None:
    start = plan_photos(Machine(8, 24))

    cfg = Config.fromfile(start.config)
    cfg.model.pretrained = None
    model = MODELS.build(cfg.model)
    assert {head.num_classes for _, head in model.heads()} == {3}
