"""A step and a refresh of every stock config, on a GPU that is not there."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from fake_gpu import PRECISIONS, fake_gpu, place
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_sesam.structures import SOURCES

CONFIGS = Path(__file__).parents[2] / 'configs' / 'sesam'


def different_models() -> list[str]:
    """Names of configs, one for each that differs in more than classes."""
    found = {}
    for path in sorted(CONFIGS.glob('*.py')):
        model = Config.fromfile(path).model
        for part in (model, model.decode_head, model.get('auxiliary_head')):
            for name in ('num_classes', 'data_preprocessor', 'test_cfg'):
                part and part.pop(name, None)
        found.setdefault(json.dumps(model, sort_keys=True), path.stem)
    return list(found.values())


def build(cfg: Config) -> nn.Module:
    """Builds a config's model without downloading weights."""
    model = copy.deepcopy(cfg.model)
    model.update(pretrained=None)
    model.backbone.init_cfg = None
    if 'pretrained' in model.backbone:
        model.backbone.pretrained = False
    init_default_scope('mmseg')
    return revert_sync_batchnorm(MODELS.build(model)).train()


def sample(size: tuple[int, int]) -> SegDataSample:
    shapes = dict(img_shape=size, ori_shape=size, pad_shape=size)
    made = SegDataSample(
        metainfo=dict(shapes, weak_classes=[0], pseudo_label_round=0)
    )
    for source in SOURCES:
        label = torch.zeros(1, *size, dtype=torch.uint8, device='cuda')
        made.set_data({source.field: PixelData(data=label)})
    return made


@pytest.mark.parametrize(
    ('name', 'precision'),
    [
        ('deeplabv3-lite0_voc_point', 'fp32'),
        pytest.param(
            'deeplabv3-r101_voc_coarse', 'bf16', marks=pytest.mark.slow
        ),
        ('segformer_ade20k_scribble', 'fp16'),
    ],
)
def test_step_and_refresh_of_a_config_stay_on_the_gpu(
    name: str, precision: str
) -> None:
    assert_stays_on_the_gpu(name, [precision])


@pytest.mark.slow
def test_step_and_refresh_of_every_config_stay_on_the_gpu() -> None:
    for name in different_models():
        assert_stays_on_the_gpu(name, PRECISIONS)


def assert_stays_on_the_gpu(name: str, precisions: Iterable[str]) -> None:
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    model, size = build(cfg), cfg.crop_size
    for precision in precisions:
        with fake_gpu(precision):
            place(model)
            images = torch.empty(2, 3, *size, device='cuda')
            losses = model.train().loss(images, [sample(size) for _ in '12'])
            one = images[:1], [sample(size)]
            probability = model.eval().predict_probability(*one)[None]
            labels = model.confident_labels(probability)
            agreeing = model.agreeing_labels(labels, probability)
        assert losses, name
        for tensor in (*losses.values(), probability):
            assert tensor.device.type == 'cuda', name
            assert tensor.dtype == torch.float32, name
        for label in (labels, agreeing):
            assert label.device.type == 'cuda', name
            assert label.shape == (1, *size), name


def test_fake_gpu_refuses_what_is_elsewhere() -> None:
    with fake_gpu():
        there = torch.ones(3, device='cuda')
        with pytest.raises(RuntimeError):
            there + torch.ones(3)
        with pytest.raises(RuntimeError):
            bool(there.sum() > 2)
