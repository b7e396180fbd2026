"""Losses on crops that hold few labels, or none."""

from __future__ import annotations

from typing import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

OHEM = dict(type='OHEMPixelSampler', thresh=0.7, min_kept=8)
WEIGHTED = dict(type='CrossEntropyLoss', class_weight=[1.0, 2.0, 0.5])
# Not here: mmseg 1.2.2's FocalLoss, which on a CPU fails for any label.
LOSSES = dict(
    plain=(dict(type='CrossEntropyLoss'), None),
    weighted=(WEIGHTED, None),
    ohem=(WEIGHTED, OHEM),
    dice=(dict(type='DiceLoss'), None),
    lovasz=(dict(type='LovaszLoss', reduction='none'), None),
    tversky=(dict(type='TverskyLoss'), None),
    several=([WEIGHTED, dict(type='DiceLoss')], None),
)


def samples(labelled: str) -> list[SegDataSample]:
    """Two crops of a batch."""
    label = torch.full((2, 1, 32, 32), 255, dtype=torch.uint8)
    if labelled == 'one pixel':
        label[0, 0, 3, 3] = 1
    elif labelled == 'one crop':
        label[1, 0, :4] = 2
    elif labelled == 'all':
        label[:] = torch.arange(2048).remainder(3).view(2, 1, 32, 32)
    made = []
    for part in label:
        sample = SegDataSample(metainfo=dict(img_shape=(32, 32)))
        for field in ('gt_sem_seg', 'pseudo_sem_seg'):
            sample.set_data({field: PixelData(data=part.clone())})
        made.append(sample)
    return made


@pytest.mark.parametrize(
    'labelled', ['nothing', 'one pixel', 'one crop', 'all']
)
@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('scale', [1, 1e4], ids=['usual', 'huge'])
def test_loss_is_finite_with_each_loss_of_mmseg(
    make_config: Callable[..., Config], name: str, labelled: str, scale: float
) -> None:
    init_default_scope('mmseg')
    cfg = make_config(model__teacher=None)
    loss, sampler = LOSSES[name]
    cfg.model.decode_head.update(loss_decode=loss, sampler=sampler)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    images = scale * torch.randn(2, 3, 32, 32)
    losses = model.loss(images, samples(labelled))
    total = sum(v for key, v in losses.items() if 'loss' in key)
    total.backward()
    assert total.isfinite()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    assert grads and all(grad.isfinite().all() for grad in grads)
