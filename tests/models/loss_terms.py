"""Heads, label maps and reference losses for tests of the loss terms."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.source_losses import source_losses
from mmseg_sesam.structures import SOURCES

CROSS_ENTROPY = dict(type='CrossEntropyLoss')
WEIGHTS = [0.5, 1.0, 4.0]
NONE = 255
TERMS = ('loss_weak', 'loss_pseudo', 'loss_confident')


def make_head(*losses: dict, **options) -> BaseDecodeHead:
    init_default_scope('mmseg')
    cfg = dict(
        type='FCNHead',
        in_channels=4,
        channels=4,
        num_convs=0,
        concat_input=False,
        num_classes=3,
        loss_decode=list(losses) if len(losses) > 1 else losses[0],
    )
    return MODELS.build(dict(cfg, **options))


def make_maps(weak: Tensor, pseudo: Tensor, confident: Tensor) -> LabelMaps:
    labels = dict(weak=weak, pseudo=pseudo, confident=confident)
    return LabelMaps.disjoint(labels, torch.ones_like(weak).bool())


def compute(
    logits: Tensor,
    maps: LabelMaps,
    head: BaseDecodeHead,
    step: int = 0,
    **changes: dict,
) -> dict[str, Tensor]:
    """The loss terms, with changed options of the sources by name."""
    sources = [replace(s, **changes.get(s.name, {})) for s in SOURCES]
    return source_losses(logits, maps, head, sources, step)


def random_ids(*shape: int) -> Tensor:
    return torch.randint(0, 3, shape, dtype=torch.uint8)


def unlabelled(*shape: int) -> LabelMaps:
    nothing = torch.full(shape, NONE, dtype=torch.uint8)
    return make_maps(nothing, nothing, nothing)


def mean_entropy(logits: Tensor, label: Tensor, **options) -> Tensor:
    """The reference, torch's mean over labelled pixels."""
    return F.cross_entropy(logits, label.long(), ignore_index=NONE, **options)


def total(losses: dict[str, Tensor]) -> Tensor:
    """What mmengine minimises."""
    return sum(value for name, value in losses.items() if 'loss' in name)
