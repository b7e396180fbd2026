"""Normalising and padding of batches."""

from __future__ import annotations

from typing import Callable

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor

MEAN = [100.0, 110.0, 120.0]
STD = [50.0, 60.0, 70.0]
FIELDS = ('gt_sem_seg', 'pseudo_sem_seg', 'confident_sem_seg')

BatchOf = Callable[..., dict]


def build(**options) -> torch.nn.Module:
    cfg = dict(
        type='SeSAMDataPreProcessor', mean=MEAN, std=STD, bgr_to_rgb=True
    )
    return MODELS.build(dict(cfg, **options))


def normalised(image: Tensor) -> Tensor:
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    return (image.flip(0).float() - mean) / std


@pytest.mark.parametrize('views', [False, True])
@pytest.mark.parametrize(
    'options, shape',
    [(dict(size=(24, 32)), (24, 32)), (dict(size_divisor=16), (32, 32))],
    ids=['to a size', 'to a multiple'],
)
def test_data_preprocessor_pads_label_maps_like_the_image(
    batch_of: BatchOf, views: bool, options: dict, shape: tuple[int, int]
) -> None:
    data = batch_of((24, 20), (12, 32), views=views)
    labels = [
        [sample.get(field).data.clone() for field in FIELDS]
        for sample in data['data_samples']
    ]

    batch = build(**options)(data, training=True)

    assert len(batch['data_samples']) == 2
    for sample, maps in zip(batch['data_samples'], labels):
        height, width = sample.img_shape
        for field, before in zip(FIELDS, maps):
            after = sample.get(field).data
            assert after.shape == (1, *shape)
            assert after.dtype == torch.uint8
            assert torch.equal(after[:, :height, :width], before)
            assert (after[:, height:] == 255).all()
            assert (after[:, :, width:] == 255).all()
    shapes = [sample.img_shape for sample in batch['data_samples']]
    assert shapes == [(24, 20), (12, 32)]


def test_data_preprocessor_treats_both_views_alike(batch_of: BatchOf) -> None:
    data = batch_of((24, 20), (12, 32), views=True)
    images = {name: list(view) for name, view in data['inputs'].items()}

    batch = build(size=(24, 32))(data, training=True)

    assert batch['inputs'].keys() == {'student', 'teacher'}
    for name, view in batch['inputs'].items():
        assert view.shape == (2, 3, 24, 32)
        for got, image in zip(view, images[name]):
            height, width = image.shape[1:]
            torch.testing.assert_close(
                got[:, :height, :width], normalised(image)
            )
            assert (got[:, height:] == 0).all()
            assert (got[:, :, width:] == 0).all()


def test_data_preprocessor_without_views_returns_one_tensor(
    batch_of: BatchOf,
) -> None:
    data = batch_of((24, 32), (24, 32), maps=1)
    images = list(data['inputs'])

    batch = build(size=(24, 32))(data, training=True)

    expected = torch.stack([normalised(image) for image in images])
    torch.testing.assert_close(batch['inputs'], expected)
    assert batch['data_samples'][0].keys() == ['gt_sem_seg']


def test_data_preprocessor_does_not_pad_for_validation(
    batch_of: BatchOf,
) -> None:
    data = batch_of((20, 24))
    image = data['inputs'][0]

    batch = build(size=(64, 64))(data, training=False)

    torch.testing.assert_close(batch['inputs'], normalised(image)[None])
    assert batch['data_samples'][0].gt_sem_seg.data.shape == (1, 20, 24)


@pytest.mark.parametrize('views', [False, True])
def test_data_preprocessor_gives_the_same_images_channels_last(
    batch_of: BatchOf, views: bool
) -> None:
    data = [batch_of((24, 32), (24, 32), views=views) for _ in range(2)]

    plain = build(size=(24, 32))(data[0], True)['inputs']
    batch = build(size=(24, 32), channels_last=True)(data[1], True)['inputs']

    for name in ('student', 'teacher') if views else [...]:
        one, other = (x[name] for x in (batch, plain))
        assert torch.equal(one, other)
        assert one.is_contiguous(memory_format=torch.channels_last)
        assert not other.is_contiguous(memory_format=torch.channels_last)


def test_data_preprocessor_pads_labels_with_another_value(
    batch_of: BatchOf,
) -> None:
    batch = build(size=(8, 16), seg_pad_val=9)(batch_of((8, 8)), True)

    for field in FIELDS:
        data = batch['data_samples'][0].get(field).data
        assert (data[:, :, 8:] == 9).all()


def test_data_preprocessor_rejects_batch_augmentations() -> None:
    with pytest.raises(ValueError, match='batch_augments, .* remove them'):
        build(size=(8, 8), batch_augments=[dict(type='Mixup')])
