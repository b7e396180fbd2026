"""Predictions in bands of rows, against those of mmseg."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from PIL import Image

from mmseg_sesam.compat import loads_safely
from mmseg_sesam.engine.predictor import Predictor

SIZE = 61, 83
LOAD, PACK = dict(type='LoadImageFromFile'), dict(type='PackSegInputs')
RESIZE = dict(type='Resize', scale=(120, 50), keep_ratio=True)
SLIDE = dict(mode='slide', crop_size=(32, 48), stride=(20, 30))
WHOLE = dict(mode='whole')


@pytest.fixture
def image(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (8, 11, 3)).astype(np.uint8)
    path = tmp_path / 'a.png'
    picture = Image.fromarray(blocks).resize(SIZE[::-1])
    picture.save(path)
    return path


@torch.no_grad()
def spread(weight: torch.Tensor) -> None:
    """Makes every class the best one somewhere."""
    weight.normal_(0, 3)
    weight.sub_(weight.mean(1, keepdim=True))


@pytest.fixture
def network(tmp_path: Path):
    """Makes a config and its checkpoint."""

    def make(test_cfg=WHOLE, steps=(), pad=None, align=False, outputs=3):
        torch.manual_seed(0)
        init_default_scope('mmseg')
        head = dict(
            type='FCNHead',
            in_channels=8,
            channels=8,
            num_classes=max(outputs, 2),
            out_channels=outputs,
            num_convs=1,
            in_index=0,
            align_corners=align,
            threshold=0.5 if outputs == 1 else None,
            loss_decode=dict(
                type='CrossEntropyLoss', use_sigmoid=outputs == 1
            ),
        )
        model = dict(
            type='EncoderDecoder',
            data_preprocessor=dict(
                type='SegDataPreProcessor',
                mean=[128] * 3,
                std=[60] * 3,
                size=(32, 32),
                seg_pad_val=255,
                test_cfg=pad,
            ),
            backbone=dict(type='ResNetV1c', depth=18, base_channels=8),
            decode_head=head,
            test_cfg=test_cfg,
        )
        built = MODELS.build(model)
        spread(built.decode_head.conv_seg.weight)
        path = tmp_path / 'network.pth'
        meta = dict(dataset_meta=dict(classes=list('abc'), palette=None))
        torch.save(dict(meta=meta, state_dict=built.state_dict()), path)
        pipeline = [LOAD, *steps, dict(type='LoadAnnotations'), PACK]
        return Config(dict(model=model, test_pipeline=pipeline)), str(path)

    return make


@pytest.mark.parametrize(
    'settings',
    [
        {},
        dict(align=True, steps=[RESIZE]),
        dict(steps=[RESIZE]),
        dict(steps=[dict(RESIZE, scale=(240, 200))]),
        dict(pad=dict(size_divisor=32)),
        dict(pad=dict(size=(128, 128)), steps=[RESIZE]),
        dict(test_cfg=SLIDE),
        dict(test_cfg=SLIDE, steps=[dict(RESIZE, scale=(240, 200))]),
        dict(test_cfg=SLIDE, pad=dict(size_divisor=64)),
        dict(test_cfg=SLIDE, outputs=1),
    ],
    ids=str,
)
def test_predictor_predicts_as_mmseg(network, image: Path, settings) -> None:
    cfg, checkpoint = network(**settings)
    found = Predictor(cfg, checkpoint)(image)

    model = init_model(cfg, checkpoint, device='cpu')
    result = inference_model(model, str(image))
    expected = result.pred_sem_seg.data[0].numpy()
    assert found.label.shape == SIZE and found.label.dtype == np.uint8
    # A score may round otherwise where two classes are alike.
    assert (found.label == expected).mean() > 0.999
    assert len(np.unique(expected)) > 1
    scores = result.seg_logits.data
    chances = scores.softmax(0).max(0)[0]
    if len(scores) == 1:
        chances = torch.maximum(scores, 1 - scores)[0]
    apart = np.abs(found.confidence - 255 * chances.numpy())
    assert apart.max() < 2


@pytest.mark.parametrize('outputs', [3, 1])
def test_predictor_predicts_with_the_last_head_of_a_cascade(
    network, image: Path, outputs: int
) -> None:
    cfg, checkpoint = network(outputs=outputs)
    first = dict(cfg.model.decode_head)
    last = dict(first, type='OCRHead', ocr_channels=8, threshold=0.5)
    last.pop('num_convs')
    cfg.model.update(
        type='CascadeEncoderDecoder', num_stages=2, decode_head=[first, last]
    )
    meta = dict(dataset_meta=dict(classes=list('abc'), palette=None))
    built = MODELS.build(cfg.model)
    spread(built.decode_head[-1].conv_seg.weight)
    torch.save(dict(meta=meta, state_dict=built.state_dict()), checkpoint)

    predictor = Predictor(cfg, checkpoint)
    found = predictor(image)

    assert predictor.num_classes == max(outputs, 2)
    assert len(np.unique(found.confidence)) > 1
    if outputs > 1:
        model = init_model(cfg, checkpoint, device='cpu')
        scores = inference_model(model, str(image)).seg_logits.data
        chances, expected = scores.softmax(0).max(0)
        assert (found.label == expected.numpy()).mean() > 0.999
        assert np.abs(found.confidence - 255 * chances.numpy()).max() < 2
    else:
        # With the threshold of the first head, 0.3, some are less probable.
        assert len(np.unique(found.label)) == 2
        assert found.confidence.min() >= 127


def test_predictor_tiles_large_images(network, image: Path) -> None:
    cfg, checkpoint = network()
    tiled = Predictor(cfg, checkpoint, tile=40)(image)
    cfg.model.test_cfg = dict(
        mode='slide', crop_size=(40, 40), stride=(26, 26)
    )
    slid = Predictor(cfg, checkpoint)(image)
    np.testing.assert_array_equal(tiled.label, slid.label)


def test_predictor_downloads_no_weights(
    network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('timm')
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')
    hub = 'huggingface_hub.constants.HF_HUB_CACHE'
    monkeypatch.setattr(hub, str(tmp_path / 'hub'))
    cfg, checkpoint = network()
    backbone = dict(type='TIMMBackbone', model_name='resnet18')
    backbone.update(pretrained=False, features_only=True)
    cfg.model.backbone = backbone
    cfg.model.decode_head.in_channels = 64
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(meta={}, state_dict=state), checkpoint)
    cfg.model.backbone.pretrained = True
    Predictor(cfg, checkpoint)


def test_predictor_refuses_another_checkpoint(network, image: Path) -> None:
    cfg, checkpoint = network()
    cfg.model.decode_head.num_classes = 5
    cfg.model.decode_head.out_channels = 5
    with pytest.raises(ValueError, match='lacks 2 weights of the model'):
        Predictor(cfg, checkpoint)


def test_predictor_refuses_windows_with_gaps(network) -> None:
    cfg, checkpoint = network()
    cfg.model.test_cfg = dict(SLIDE, stride=(40, 40))
    with pytest.raises(ValueError, match='without a prediction'):
        Predictor(cfg, checkpoint)


@pytest.mark.skipif(not loads_safely(), reason='torch before 2.6')
@pytest.mark.parametrize(
    'content', [b'', b'junk', pickle.dumps([1]), pickle.dumps(print)]
)
def test_predictor_refuses_a_file_that_is_no_checkpoint(
    network, content: bytes
) -> None:
    cfg, checkpoint = network()
    Path(checkpoint).write_bytes(content)
    with pytest.raises(ValueError, match=r'network\.pth is no checkpoint'):
        Predictor(cfg, checkpoint)


def test_predictor_names_a_damaged_image(network, image: Path) -> None:
    predictor = Predictor(*network())
    image.write_bytes(image.read_bytes()[:40])
    with pytest.raises(ValueError, match=r'a\.png cannot be loaded'):
        predictor(image)


def test_predictor_names_an_image_of_other_bands(network, image: Path) -> None:
    cfg, checkpoint = network()
    cfg.test_pipeline[0].color_type = 'unchanged'
    predictor = Predictor(cfg, checkpoint)
    Image.open(image).convert('RGBA').save(image)
    with pytest.raises(ValueError, match=r'a\.png cannot be predicted'):
        predictor(image)


def test_predictor_takes_the_pipeline_of_testing_before_validation(
    network, image: Path
) -> None:
    cfg, checkpoint = network()
    steps = cfg.pop('test_pipeline')
    for name, scale in (('val', (20, 20)), ('test', (48, 48))):
        pipeline = [steps[0], dict(RESIZE, scale=scale), *steps[1:]]
        cfg[f'{name}_dataloader'] = dict(dataset=dict(pipeline=pipeline))

    data = Predictor(cfg, checkpoint).pipeline(dict(img_path=str(image)))

    assert max(data['data_samples'].img_shape) == 48


def test_predictor_loads_images_as_training_where_nothing_tests(
    network, image: Path
) -> None:
    cfg, checkpoint = network()
    cfg.pop('test_pipeline')
    grey = dict(LOAD, color_type='grayscale')
    label = dict(type='LoadWeakAnnotations', num_classes=3)
    crop = dict(type='RandomCrop', crop_size=(8, 8))
    pipeline = [grey, label, dict(type='LoadPseudoLabel'), crop, PACK]
    dataset = dict(type='BaseSegDataset', pipeline=pipeline)
    joined = dict(type='ConcatDataset', datasets=[dataset])
    cfg.train_dataloader = dict(dataset=joined)

    data = Predictor(cfg, checkpoint).pipeline(dict(img_path=str(image)))

    assert data['inputs'].shape == (1, *SIZE)
