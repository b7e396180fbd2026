"""Backbones whose features move with the size of an image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.models.alignment import moving_features

CONFIGS = ('camvid_point', 'coral_point', 'acdc_scribble')


def build(project_root: Path, name: str, **options) -> SeSAMEncoderDecoder:
    pytest.importorskip('timm')
    path = project_root / f'configs/sesam/deeplabv3_{name}.py'
    cfg = Config.fromfile(path).model
    cfg.backbone.pretrained = False
    cfg.decode_head.norm_cfg.type = 'BN'
    cfg.data_preprocessor.update(options)
    init_default_scope('mmseg')
    return MODELS.build(cfg)


@pytest.mark.parametrize('name', CONFIGS)
def test_moving_features_is_none_for_a_padded_backbone(
    project_root: Path, name: str
) -> None:
    assert moving_features(build(project_root, name)) is None


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(test_cfg=None), r'Conv2dSame.*size_divisor=32\)'),
        (dict(size=(240, 320)), r'\(240, 320\) pixels are no multiple'),
    ],
)
def test_moving_features_names_the_remedy(
    project_root: Path, options: dict, said: str
) -> None:
    model = build(project_root, 'camvid_point', **options)
    assert re.search(said, moving_features(model))


def test_moving_features_is_none_for_even_padding(project_root: Path) -> None:
    cfg = Config.fromfile(project_root / 'configs/demo/sesam.py').model
    cfg.backbone.init_cfg = None
    init_default_scope('mmseg')
    assert moving_features(MODELS.build(cfg)) is None


@pytest.mark.parametrize(
    'backbone',
    [
        dict(
            type='SwinTransformer',
            embed_dims=4,
            depths=(1, 1, 1, 1),
            num_heads=(1, 1, 1, 1),
        ),
        dict(
            type='PCPVT',
            embed_dims=[4, 4, 4, 4],
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 1, 1],
        ),
    ],
    ids=['Swin', 'Twins'],
)
def test_moving_features_is_none_for_padding_at_the_corner(
    backbone: dict,
) -> None:
    init_default_scope('mmseg')
    head = dict(type='FCNHead', in_channels=4, channels=4, num_classes=2)
    preprocessor = dict(type='SegDataPreProcessor', size=(32, 32))
    model = MODELS.build(
        dict(
            type='EncoderDecoder',
            data_preprocessor=preprocessor,
            backbone=backbone,
            decode_head=head,
        )
    )
    assert moving_features(model) is None


def test_predictions_of_an_image_are_those_of_its_padded_copy(
    project_root: Path,
) -> None:
    """The teacher of a refresh predicts as validation does."""
    model = build(project_root, 'camvid_point').eval()
    image = torch.randint(0, 256, (3, 40, 52), dtype=torch.uint8)
    mean = torch.full((3, 64, 64), 127.5)
    mean[:, :40, :52] = image
    found = []
    for pixels, size in ((image, (40, 52)), (mean, (64, 64))):
        sample = SegDataSample(metainfo=dict(img_shape=size, ori_shape=size))
        data = dict(inputs=[pixels], data_samples=[sample])
        found.append(
            model.predict_probability(**model.data_preprocessor(data, False))
        )
    assert found[0].shape[1:] == (40, 52)
    torch.testing.assert_close(found[0], found[1][:, :40, :52])
