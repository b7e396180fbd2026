"""What mmengine builds of a written config."""

from __future__ import annotations

import re

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_sesam.start.machine import Machine


def test_prepare_for_a_cpu_writes_the_measured_recipe(plan_photos) -> None:
    cfg = Config.fromfile(plan_photos().config)
    cfg.model.backbone.pretrained = False
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)

    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer

    rates = {
        weight: group['lr']
        for group in optimizer.param_groups
        for weight in group['params']
    }
    for name, weight in model.named_parameters():
        if name.startswith('teacher.'):
            assert weight not in rates
        else:
            expected = 3e-4 if name.startswith('backbone.') else 1e-3
            assert rates[weight] == pytest.approx(expected), name


def test_prepare_for_a_cpu_warms_up(plan_photos) -> None:
    cfg = Config.fromfile(plan_photos().config)
    wrapper = build_optim_wrapper(nn.Linear(1, 1), cfg.optim_wrapper)
    schedulers = [
        PARAM_SCHEDULERS.build(dict(one, optimizer=wrapper))
        for one in cfg.param_scheduler
    ]
    rates = []
    for _ in range(cfg.train_cfg.max_iters):
        rates.append(wrapper.get_lr()['lr'][0])
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()

    assert rates[0] == pytest.approx(1e-5)
    # The 20th step is the last one of 5%.
    assert rates.index(max(rates)) == 19
    assert rates[-1] < 1e-5


def test_config_of_less_than_20_steps_has_a_warm_up(plan_photos) -> None:
    path = plan_photos().config
    text = path.read_text()
    path.write_text(re.sub(r'\nmax_iters = \d+', '\nmax_iters = 10', text))

    warm_up, poly = Config.fromfile(path).param_scheduler

    # mmengine takes no schedule without a step.
    assert (warm_up.end, poly.begin, poly.end) == (1, 1, 10)


def test_prepare_for_a_gpu_fits_the_learning_rate_to_the_batch(
    plan_photos,
) -> None:
    cfg = Config.fromfile(plan_photos(Machine(8, 24)).config)

    optimizer = build_optim_wrapper(nn.Linear(1, 1), cfg.optim_wrapper)

    assert optimizer.get_lr()['lr'] == [pytest.approx(0.01 / 4)]
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
    assert cfg.train_dataloader.batch_size == 4
