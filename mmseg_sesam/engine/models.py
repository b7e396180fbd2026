"""The model of a running training."""

from __future__ import annotations

import torch
from mmengine import dist
from mmengine.model import is_model_wrapper
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm
from torch.nn.parallel import DistributedDataParallel


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """Returns the segmentor without the wrapper that distributes it."""
    return model.module if is_model_wrapper(model) else model


def share_buffers(model: torch.nn.Module) -> None:
    """Copies the main rank's buffers to all, so that all predict the same.

    Running means of BatchNorm differ by rank without SyncBN, and a checkpoint
    holds those of the main rank. An average may change the last digit of
    buffers that are equal on all ranks.
    """
    for buffer in model.buffers():
        dist.broadcast(buffer)


def refuse_sync_bn(model: torch.nn.Module) -> None:
    """Raises ValueError if `sync_bn` of a config would change the network.

    mmengine replaces all kinds of BatchNorm by the plain synchronised one.
    timm's BatchNormAct2d would lose its activation.
    """
    kept = _BatchNorm.forward, SyncBatchNorm.forward
    for name, layer in model.named_modules():
        kind = type(layer)
        if isinstance(layer, _BatchNorm) and kind.forward not in kept:
            raise ValueError(
                f'sync_bn would replace {name}, of class {kind.__name__}, by '
                'a plain SyncBatchNorm, and what else it computes, such as '
                'an activation, would be lost; take sync_bn out.'
            )


def refuse_sharded(model: torch.nn.Module) -> None:
    """Raises ValueError if a wrapper other than DDP distributes a model."""
    if is_model_wrapper(model) and not isinstance(
        model, DistributedDataParallel
    ):
        raise ValueError(
            f'{type(model).__name__} shards the parameters, which teacher and '
            'pictures need as a whole on each process; train with DDP '
            '(MMDistributedDataParallel) instead.'
        )
