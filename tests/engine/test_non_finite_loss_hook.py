"""A loss that is not finite stops training, with what reproduces it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmseg.registry import MODELS, OPTIM_WRAPPERS
from torch import nn

from mmseg_sesam.engine import StepSeedHook


@MODELS.register_module()
class LossThatBreaks(nn.Module):
    """Is not a number from the second call on."""

    loss_name = 'loss_breaks'

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('calls', torch.zeros(()))

    def forward(self, logits, label, **kwargs):
        self.calls += 1
        return logits.sum() * (0 if self.calls < 2 else torch.nan)


@pytest.fixture
def cfg(make_config: Callable[..., Config]) -> Config:
    cfg = make_config()
    cfg.model.decode_head.loss_decode = [
        dict(type='CrossEntropyLoss'),
        dict(type='LossThatBreaks'),
    ]
    cfg.default_hooks.step_seed = dict(type='StepSeedHook')
    cfg.default_hooks.non_finite_loss = dict(type='NonFiniteLossHook')
    return cfg


def test_non_finite_loss_hook_saves_what_reproduces_the_loss(
    cfg: Config,
) -> None:
    runner = Runner.from_cfg(cfg)
    before = {}
    runner.register_hook(Remember(before), priority='LOWEST')
    with pytest.raises(FloatingPointError, match='iteration 1 .*clip') as stop:
        runner.train()
    (path,) = re.findall(r'saved to (\S+\.pth)', str(stop.value))
    evidence = torch.load(path, weights_only=False)
    names = [s.img_path for s in evidence['data_batch']['data_samples']]
    assert all(name in str(stop.value) for name in names)
    assert Path(path).parent == Path(runner.log_dir)

    # The optimizer has made no step with it.
    weights = evidence['state_dict']
    assert all(v.isfinite().all() for v in weights.values())
    name = 'decode_head.conv_seg.weight'
    assert torch.equal(weights[name], before[name])

    model = MODELS.build(cfg.model)
    model.load_state_dict(weights)
    runner.train_loop._iter = evidence['iteration']
    StepSeedHook().before_train_iter(runner, 0)
    data = model.data_preprocessor(evidence['data_batch'], True)
    again = model.train()(**data, mode='loss')
    assert again['decode.loss_breaks'].isnan()
    assert torch.equal(
        again['decode.loss_pseudo'], evidence['losses']['decode.loss_pseudo']
    )


class Remember(StepSeedHook):
    """Keeps the weights before each step; seeds as the run does."""

    def __init__(self, weights: dict) -> None:
        self.weights = weights

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        state = runner.model.state_dict()
        self.weights.update({k: v.clone() for k, v in state.items()})


def test_non_finite_loss_hook_with_unwritable_evidence(cfg: Config) -> None:
    runner = Runner.from_cfg(cfg)
    Path(runner.log_dir, 'non_finite_rank0.pth').mkdir(parents=True)
    with pytest.raises(FloatingPointError, match=r'\.png.*not saved to'):
        runner.train()


def test_non_finite_loss_hook_accepts_finite_losses(
    make_config: Callable[..., Config],
) -> None:
    cfg = make_config(train_cfg__max_iters=2)
    cfg.default_hooks.non_finite_loss = dict(type='NonFiniteLossHook')
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert not list(Path(runner.log_dir).glob('*.pth'))
    assert not runner.model._forward_hooks


@OPTIM_WRAPPERS.register_module()
class HalfPrecision(OptimWrapper):
    """fp16 as `AmpOptimWrapper` has it, which serves no CPU."""

    @contextmanager
    def optim_context(self, model):
        half = torch.autocast('cpu', torch.half)
        with super().optim_context(model), half:
            yield


class Swell(StepSeedHook):
    """Weights that fp32 holds, and whose scale normalisation undoes."""

    def before_train(self, runner) -> None:
        first = next(m for m in runner.model.modules() if type(m) is nn.Conv2d)
        first.weight.data *= 1e6


@pytest.mark.parametrize('wrapper', ['OptimWrapper', 'HalfPrecision'])
def test_non_finite_loss_hook_stops_at_an_fp16_overflow(
    cfg: Config, wrapper: str
) -> None:
    with torch.autocast('cpu', torch.half):
        if not torch.is_autocast_cpu_enabled():
            pytest.skip('this torch has no fp16 on CPUs')
    cfg.model.decode_head.loss_decode = dict(type='CrossEntropyLoss')
    cfg.train_cfg.max_iters = 1
    cfg.optim_wrapper.type = wrapper
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Swell())
    if wrapper == 'OptimWrapper':
        runner.train()
        return
    with pytest.raises(FloatingPointError, match='the loss is not finite'):
        runner.train()
    # Running means, too, are no numbers by now.
    assert not list(Path(runner.work_dir).glob('*.pth'))
