"""What student and teacher of a run predict."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_sesam.suggest.predictor import RunPredictor

SIZE = 70, 50


@pytest.fixture
def packed() -> dict:
    image = torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8)
    sample = SegDataSample(metainfo=dict(ori_shape=SIZE, img_shape=SIZE))
    return dict(inputs=image, data_samples=sample)


@pytest.fixture
def network(
    make_config: Callable[..., Config], tmp_path: Path
) -> tuple[Config, Path]:
    """A config and a checkpoint, whose teacher differs from the student."""
    torch.manual_seed(0)
    init_default_scope('mmseg')
    cfg = make_config()
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        for part in (model, model.teacher):
            weight = part.decode_head.conv_seg.weight
            weight.normal_(0, 3)
            weight.sub_(weight.mean(1, keepdim=True))
    path = tmp_path / 'network.pth'
    torch.save(dict(meta={}, state_dict=model.state_dict()), path)
    return cfg, path


@pytest.mark.parametrize('mode', ['whole', 'slide'])
def test_run_predictor_predicts_as_mmseg(
    network: tuple[Config, Path], packed: dict, mode: str
) -> None:
    cfg, path = network
    cfg.model.test_cfg = dict(mode=mode, crop_size=(32, 32), stride=(20, 20))
    found = RunPredictor(cfg, str(path), 'cpu')(packed)

    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(torch.load(path, weights_only=True)['state_dict'])
    batch = dict(
        inputs=[packed['inputs']], data_samples=[packed['data_samples']]
    )
    data = model.data_preprocessor(batch)
    chances = []
    with torch.no_grad():
        for name, part in (('student', model), ('teacher', model.teacher)):
            (sample,) = part.predict(**data)
            chances.append(sample.seg_logits.data.softmax(0))
            expected = chances[-1].argmax(0).numpy()
            assert (found.labels[name] == expected).mean() > 0.999
    assert (found.labels['student'] != found.labels['teacher']).any()
    mean = sum(chances) / 2
    entropy = -(mean * mean.log()).sum(0) / np.log(3)
    np.testing.assert_allclose(found.entropy, entropy.numpy(), atol=1e-3)
    assert found.features.shape == (64,)
    if mode == 'whole':
        with torch.no_grad():
            last = model.extract_feat(data['inputs'])[-1]
        pooled = last.mean(dim=(0, 2, 3)).numpy()
        assert (pooled > 0).any()
        np.testing.assert_allclose(found.features, pooled, atol=1e-3)


def test_run_predictor_pools_the_map_beside_a_class_token(
    make_config: Callable[..., Config], packed: dict, tmp_path: Path
) -> None:
    init_default_scope('mmseg')
    cfg = make_config()
    cfg.model.backbone = dict(
        type='VisionTransformer',
        img_size=32,
        patch_size=8,
        embed_dims=8,
        num_layers=4,
        num_heads=1,
        mlp_ratio=1,
        out_indices=(0, 1, 2, 3),
        output_cls_token=True,
    )
    head = cfg.model.decode_head
    del head['num_convs']
    head.update(
        type='DPTHead',
        input_transform='multiple_select',
        in_index=[0, 1, 2, 3],
        in_channels=[8, 8, 8, 8],
        embed_dims=8,
        post_process_channels=[4, 4, 4, 4],
        patch_size=8,
    )
    model = MODELS.build(cfg.model).eval()
    path = tmp_path / 'network.pth'
    torch.save(dict(meta={}, state_dict=model.state_dict()), path)

    found = RunPredictor(cfg, str(path), 'cpu')(packed)

    batch = dict(
        inputs=[packed['inputs']], data_samples=[packed['data_samples']]
    )
    with torch.no_grad():
        features = model.backbone(model.data_preprocessor(batch)['inputs'])
    pooled = features[-1][0].mean(dim=(0, 2, 3)).numpy()
    np.testing.assert_allclose(found.features, pooled, rtol=1e-3, atol=1e-5)


def test_run_predictor_refuses_a_checkpoint_without_the_teacher(
    network: tuple[Config, Path],
) -> None:
    cfg, path = network
    content = torch.load(path, weights_only=True)
    del content['state_dict']['teacher.decode_head.conv_seg.weight']
    torch.save(content, path)
    with pytest.raises(ValueError, match='lacks 1 weights of the model'):
        RunPredictor(cfg, str(path), 'cpu')
