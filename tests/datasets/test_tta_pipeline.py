"""The test pipeline of test-time augmentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.dataset import Compose
from PIL import Image

from mmseg_sesam.datasets.tta_pipeline import RATIOS, tta_pipeline


@pytest.mark.parametrize(
    ('resize', 'base'),
    [
        (dict(scale=(120, 60), keep_ratio=True), 60),
        (dict(scale=80, keep_ratio=True), 40),
        (dict(scale_factor=1.5), 60),
        (dict(scale_factor=(1.5, 1.5)), 60),
        (None, 40),
    ],
)
def test_tta_pipeline_scales_what_the_test_shows(
    tmp_path: Path, resize: dict | None, base: int
) -> None:
    image, label = str(tmp_path / 'a.png'), str(tmp_path / 'label.png')
    for path in (image, label):
        Image.new('L', (80, 40)).save(path)
    steps = [
        dict(type='LoadImageFromFile', color_type='grayscale'),
        *([dict(type='Resize', **resize)] if resize else []),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
    sample = dict(img_path=image, seg_map_path=label, seg_fields=[])
    sample['reduce_zero_label'] = False

    packed = Compose(tta_pipeline(steps))(sample)

    heights = sorted({part.shape[1] for part in packed['inputs']})
    assert heights == [round(base * ratio) for ratio in RATIOS]
    assert all(len(part) == 1 for part in packed['inputs'])
    flips = [sample.flip for sample in packed['data_samples']]
    assert sum(flips) == len(RATIOS)
    for sample in packed['data_samples']:
        assert sample.gt_sem_seg.shape == (40, 80)
