"""Predictions by sliding windows, in bands of rows."""

from __future__ import annotations

from typing import Callable

import pytest
import torch
from mmseg.models.decode_heads import FCNHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_sesam.models.sliding import check_windows, score_bands


def windows(crop: tuple[int, int], stride: tuple[int, int]) -> dict:
    return dict(mode='slide', crop_size=crop, stride=stride)


@pytest.mark.parametrize('pad', [None, dict(size_divisor=32)])
@pytest.mark.parametrize('ori_shape', [None, (90, 70)])
@pytest.mark.parametrize(
    ('size', 'test_cfg'),
    [
        ((70, 50), windows((32, 32), (20, 20))),
        ((64, 96), windows((32, 48), (32, 48))),
        ((20, 90), windows((32, 32), (16, 30))),
        ((20, 24), windows((32, 32), (16, 16))),
        ((70, 50), dict(mode='whole')),
    ],
)
def test_score_bands_are_those_of_the_whole_image(
    make_config: Callable[..., dict],
    size: tuple[int, int],
    test_cfg: dict,
    ori_shape: tuple[int, int] | None,
    pad: dict | None,
) -> None:
    cfg = make_config(test_cfg=test_cfg)
    cfg.data_preprocessor.test_cfg = pad
    model = MODELS.build(cfg).eval()
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    meta = dict(ori_shape=ori_shape or size, img_shape=size)

    def batch() -> dict:
        sample = SegDataSample(metainfo=meta)
        return dict(inputs=[image], data_samples=[sample])

    data = model.data_preprocessor(batch(), False)
    with torch.no_grad():
        expected = model.predict(**data)[0].seg_logits.data

    found = list(score_bands(model, model.data_preprocessor, batch()))

    ends = [0] + [rows.stop for rows, _ in found]
    assert ends[-1] == meta['ori_shape'][0]
    assert [rows.start for rows, _ in found] == ends[:-1]
    if ori_shape is None and 'crop_size' in test_cfg:
        # The height of a window, and a row that the one before waited for.
        assert max(map(int.__sub__, ends[1:], ends)) <= 33
    bands = torch.cat([band for _, band in found], dim=1)
    torch.testing.assert_close(bands, expected, rtol=1e-4, atol=1e-5)


@MODELS.register_module()
class PadShapeHead(FCNHead):
    """Takes the size of its result from where Mask2Former's head does."""

    def predict_by_feat(
        self, seg_logits: Tensor, batch_img_metas: list[dict]
    ) -> Tensor:
        size = batch_img_metas[0]['pad_shape']
        return resize(seg_logits, size=size, mode='bilinear')


def test_score_bands_tell_a_head_the_size_of_a_tile(
    make_config: Callable[..., dict],
) -> None:
    image = torch.randint(0, 256, (3, 70, 50), dtype=torch.uint8)
    found = []
    for kind in ('FCNHead', 'PadShapeHead'):
        cfg = make_config()
        cfg.data_preprocessor.test_cfg = dict(size_divisor=32)
        cfg.decode_head.type = kind
        torch.manual_seed(0)
        model = MODELS.build(cfg).eval()
        sample = SegDataSample(
            metainfo=dict(ori_shape=(70, 50), img_shape=(70, 50))
        )
        batch = dict(inputs=[image], data_samples=[sample])
        bands = score_bands(model, model.data_preprocessor, batch, tile=32)
        found.append(torch.cat([scores for _, scores in bands], dim=1))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize(
    'sizes',
    [
        dict(crop_size=(32, 32), stride=(33, 20)),
        dict(crop_size=(32, 32), stride=(20, 0)),
        dict(crop_size=(32, 32)),
        dict(crop_size=32, stride=20),
    ],
)
def test_check_windows_refuses_gaps(
    make_config: Callable[..., dict], sizes: dict
) -> None:
    check_windows(dict(mode='whole', **sizes))
    cfg = make_config(test_cfg=dict(mode='slide', **sizes))
    with pytest.raises(ValueError, match="test_cfg has mode='slide', crop"):
        MODELS.build(cfg)
