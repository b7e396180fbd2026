"""Builds small segmentors and makes steps with them."""

from __future__ import annotations

import copy
from typing import Callable

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_sesam.models import SeSAMEncoderDecoder

MakeConfig = Callable[..., dict]
BatchOf = Callable[..., dict]


def build(cfg: dict) -> SeSAMEncoderDecoder:
    return MODELS.build(copy.deepcopy(cfg))


def train_step(model: SeSAMEncoderDecoder, data: dict) -> dict[str, Tensor]:
    """One step of the optimizer, as a Runner does it."""
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learned, lr=0.1)
    model.train()
    return model.train_step(data, OptimWrapper(optimizer))


def parameters(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def losses_of(model: SeSAMEncoderDecoder, data: dict) -> dict[str, Tensor]:
    model.train()
    return model(**model.data_preprocessor(data, True), mode='loss')


def maps_of(model: SeSAMEncoderDecoder, data: dict) -> tuple:
    data = model.data_preprocessor(data, True)
    model.eval()
    return model.label_maps(data['inputs'], data['data_samples'])


def auxiliary(index: int, weight: float = 0.4) -> dict:
    return dict(
        type='FCNHead',
        in_channels=4 * 2**index,
        channels=4,
        in_index=index,
        num_convs=1,
        concat_input=False,
        num_classes=4,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=weight),
    )
