"""Measures the time of a training step on this machine."""

from __future__ import annotations

import time
from pathlib import Path

from mmseg_sesam.start.plan import Plan

_STEPS = 3


def seconds_per_step(plan: Plan, bases: Path, num_classes: int) -> float:
    """Returns the seconds of a step of student and teacher.

    The weights are random, and the images noise: their time is that of
    others. Losses, loading and the optimizer are left out. The GPU's
    memory is free afterwards.

    Args:
        plan: model, batch and crop.
        bases: folder of the fragments of configs, `configs/_base_`.
        num_classes: number of classes.
    """
    import torch

    seconds = _measure(plan, bases, num_classes)
    # The training runs in a process of its own and needs the memory, which the
    # allocator of this one keeps. Not in `_measure`, where the network exists.
    torch.cuda.empty_cache()
    return seconds


def _measure(plan: Plan, bases: Path, num_classes: int) -> float:
    import torch
    from mmengine.config import Config
    from mmengine.model import revert_sync_batchnorm
    from mmseg.registry import MODELS
    from mmseg.utils import register_all_modules

    register_all_modules(init_default_scope=True)
    cfg = Config.fromfile(bases / f'models/{plan.model.value}.py').model
    cfg.pretrained = None
    if cfg.backbone.type == 'TIMMBackbone':
        cfg.backbone.pretrained = False
    for name in ('decode_head', 'auxiliary_head'):
        if cfg.get(name):
            cfg[name].num_classes = num_classes
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    # SyncBN runs in several processes only.
    model = revert_sync_batchnorm(MODELS.build(cfg)).to(device).train()
    images = torch.rand(
        plan.batch_size.value, 3, *plan.crop.value, device=device
    )
    times = []
    for _ in range(_STEPS):
        begin = time.perf_counter()
        features = model.extract_feat(images)
        # The sum is a loss whose gradient reaches all weights.
        sum(head(features).sum() for _, head in model.heads()).backward()
        with torch.no_grad():
            model.decode_head(model.extract_feat(images))
        if device == 'cuda':
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    # The first step allocates memory.
    return min(times[1:])
