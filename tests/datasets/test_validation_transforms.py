"""Images as validation sees them."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.structures import PixelData
from mmseg.datasets.transforms import Resize
from mmseg.structures import SegDataSample

from mmseg_sesam.datasets.validation_transforms import ValidationTransforms

LOAD = dict(type='LoadImageFromFile')
RESIZE = dict(type='mmseg.Resize', scale=(64, 20), keep_ratio=True)
PACK = dict(type='PackSegInputs')


def config(*pipeline: dict, loader: str = 'val_dataloader') -> Config:
    dataset = dict(type='BaseSegDataset', pipeline=list(pipeline))
    return Config({loader: dict(dataset=dataset)})


@pytest.fixture
def batch() -> dict:
    image = torch.arange(3 * 10 * 16, dtype=torch.uint8).view(3, 10, 16)
    label = PixelData(data=torch.zeros(1, 10, 16, dtype=torch.uint8))
    sample = SegDataSample(
        metainfo=dict(img_shape=(10, 16), ori_shape=(10, 16)),
        gt_sem_seg=label,
    )
    return dict(inputs=[image], data_samples=[sample])


@pytest.mark.parametrize('loader', ['val_dataloader', 'test_dataloader'])
def test_call_scales_only_the_image(batch: dict, loader: str) -> None:
    scaled = ValidationTransforms.of_config(
        config(LOAD, RESIZE, PACK, loader=loader)
    )(batch)

    (image,), (sample,) = scaled['inputs'], scaled['data_samples']
    given = batch['inputs'][0].permute(1, 2, 0).numpy()
    expected = Resize(scale=(64, 20), keep_ratio=True)(dict(img=given))['img']
    assert image.permute(1, 2, 0).numpy().tolist() == expected.tolist()
    assert sample.img_shape == tuple(image.shape[1:]) == (20, 32)
    assert sample.ori_shape == (10, 16)
    assert sample.gt_sem_seg.shape == (10, 16)
    assert batch['data_samples'][0].img_shape == (10, 16)


def test_call_keeps_a_single_channel(batch: dict) -> None:
    batch['inputs'] = [batch['inputs'][0][:1]]
    scaled = ValidationTransforms([RESIZE])(batch)

    assert scaled['inputs'][0].shape == (1, 20, 32)


@pytest.mark.parametrize('channels', [1, 3])
def test_call_changes_values_and_not_the_batch(
    batch: dict, channels: int
) -> None:
    batch['inputs'] = [batch['inputs'][0][:channels]]
    before = batch['inputs'][0].clone()
    # As a pipeline loads it; a grey image has no axis of channels.
    given = before.permute(1, 2, 0).numpy().copy()
    given = given[..., 0] if channels == 1 else given
    steps = [dict(type='Rerange', min_value=0, max_value=1), RESIZE]
    if channels == 3:
        # It writes into the image.
        steps.insert(0, dict(type='CLAHE'))
    changed = ValidationTransforms.of_config(
        config(LOAD, *steps, dict(type='LoadAnnotations'), PACK)
    )(batch)

    expected = Compose(steps)(dict(img=given))['img'].reshape(20, 32, -1)
    image = changed['inputs'][0].permute(1, 2, 0).numpy()
    assert image.tolist() == expected.tolist()
    assert changed['data_samples'][0].img_shape == (20, 32)
    assert torch.equal(batch['inputs'][0], before)


@pytest.mark.parametrize(
    'cfg',
    [config(LOAD, PACK), Config(dict(val_dataloader=None)), Config()],
    ids=['no resize', 'no loader', 'empty'],
)
def test_of_config_without_resize_scales_nothing(
    batch: dict, cfg: Config
) -> None:
    scale = ValidationTransforms.of_config(cfg)

    assert scale.steps == []
    assert scale(batch) is batch


def test_of_config_without_data_sets_reads_the_pipeline() -> None:
    cfg = Config(dict(val_dataloader=None, test_pipeline=[LOAD, RESIZE, PACK]))

    assert ValidationTransforms.of_config(cfg).steps == [RESIZE]


def test_of_config_reads_wrapped_data_sets() -> None:
    inner = dict(type='BaseSegDataset', pipeline=[LOAD, RESIZE, PACK])
    cfg = Config(
        dict(
            val_dataloader=dict(
                dataset=dict(type='ConcatDataset', datasets=[inner])
            )
        )
    )

    assert ValidationTransforms.of_config(cfg).steps == [RESIZE]
