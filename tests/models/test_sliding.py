"""Predictions by sliding windows, in bands of rows."""

from __future__ import annotations

from typing import Callable

import pytest
import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_sesam.models.sliding import check_windows, slide_probability, slides


@pytest.mark.parametrize('teacher', ['online', None])
@pytest.mark.parametrize(
    ('size', 'crop', 'stride'),
    [
        ((70, 50), (32, 32), (20, 20)),
        ((64, 96), (32, 48), (32, 48)),
        ((20, 90), (32, 32), (16, 30)),
        ((20, 24), (32, 32), (16, 16)),
    ],
)
def test_slide_probability_is_that_of_the_whole_image(
    make_config: Callable[..., dict],
    teacher: str | None,
    size: tuple[int, int],
    crop: tuple[int, int],
    stride: tuple[int, int],
) -> None:
    cfg = make_config(
        teacher=teacher,
        test_cfg=dict(mode='slide', crop_size=crop, stride=stride),
    )
    model = MODELS.build(cfg).eval()
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    meta = dict(ori_shape=size, img_shape=size)
    sample = SegDataSample(metainfo=meta)
    batch = dict(inputs=[image], data_samples=[sample])
    expected = model.predict_probability(**model.data_preprocessor(batch))

    sample = SegDataSample(metainfo=meta)
    found = list(slide_probability(model, image, sample))

    assert slides(model)
    ends = [0] + [rows.stop for rows, _ in found]
    assert ends[-1] == size[0]
    assert [rows.start for rows, _ in found] == ends[:-1]
    # No band is higher than a window.
    assert max(map(int.__sub__, ends[1:], ends)) <= crop[0]
    bands = torch.cat([band for _, band in found], dim=1)
    torch.testing.assert_close(bands, expected, rtol=0, atol=1e-6)


def test_slides_leaves_out_whole_images_and_padded_ones(
    make_config: Callable[..., dict],
) -> None:
    slide = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))
    assert not slides(MODELS.build(make_config()))
    cfg = make_config(test_cfg=slide)
    cfg.data_preprocessor.test_cfg = dict(size_divisor=32)
    assert not slides(MODELS.build(cfg))


@pytest.mark.parametrize(
    'windows',
    [
        dict(crop_size=(32, 32), stride=(33, 20)),
        dict(crop_size=(32, 32), stride=(20, 0)),
        dict(crop_size=(32, 32)),
        dict(crop_size=32, stride=20),
    ],
)
def test_check_windows_refuses_gaps(
    make_config: Callable[..., dict], windows: dict
) -> None:
    check_windows(dict(mode='whole', **windows))
    cfg = make_config(test_cfg=dict(mode='slide', **windows))
    with pytest.raises(ValueError, match="test_cfg has mode='slide', crop"):
        MODELS.build(cfg)
