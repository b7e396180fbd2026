"""Images at the scale of validation."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.datasets.transforms import Resize
from mmseg.structures import SegDataSample

from mmseg_sesam.datasets.validation_resize import ValidationResize

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
    scaled = ValidationResize.of_config(
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
    scaled = ValidationResize([RESIZE])(batch)

    assert scaled['inputs'][0].shape == (1, 20, 32)


@pytest.mark.parametrize(
    'cfg',
    [config(LOAD, PACK), Config(dict(val_dataloader=None)), Config()],
    ids=['no resize', 'no loader', 'empty'],
)
def test_of_config_without_resize_scales_nothing(
    batch: dict, cfg: Config
) -> None:
    scale = ValidationResize.of_config(cfg)

    assert scale.steps == []
    assert scale(batch) is batch


def test_of_config_reads_wrapped_data_sets() -> None:
    inner = dict(type='BaseSegDataset', pipeline=[LOAD, RESIZE, PACK])
    cfg = Config(
        dict(
            val_dataloader=dict(
                dataset=dict(type='ConcatDataset', datasets=[inner])
            )
        )
    )

    assert ValidationResize.of_config(cfg).steps == [RESIZE]
