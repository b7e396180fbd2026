"""Small networks, and batches as the data loader gives them."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_sesam.models.label_maps import LabelMaps

from .loss_terms import NONE, make_maps, random_ids

NUM_CLASSES = 4


@pytest.fixture(autouse=True)
def mmseg_scope() -> None:
    """Modules are looked up as a Runner looks them up."""
    init_default_scope('mmseg')
    torch.manual_seed(0)


@pytest.fixture
def make_config() -> Callable[..., dict]:
    """Makes the config of a small SeSAM model; keywords replace parts."""

    def make(**options) -> ConfigDict:
        norm_cfg = dict(type='BN', requires_grad=True)
        cfg = dict(
            type='SeSAMEncoderDecoder',
            data_preprocessor=dict(
                type='SeSAMDataPreProcessor',
                mean=[120.0] * 3,
                std=[60.0] * 3,
                size=(32, 32),
            ),
            backbone=dict(
                type='ResNetV1c',
                depth=18,
                base_channels=4,
                stem_channels=4,
                norm_cfg=norm_cfg,
            ),
            decode_head=dict(
                type='FCNHead',
                in_channels=32,
                channels=8,
                in_index=3,
                num_convs=1,
                concat_input=False,
                dropout_ratio=0,
                num_classes=NUM_CLASSES,
                norm_cfg=norm_cfg,
            ),
            test_cfg=dict(mode='whole'),
        )
        cfg.update(options)
        return ConfigDict(cfg)

    return make


def make_batch(
    *sizes: tuple[int, int], views: bool = False, maps: int = 3, seed: int = 0
) -> dict:
    """Random images and labels, as they come out of the collation.

    Of each image, the rows of the first third are weakly labelled, those of
    the next third pseudo-labelled, and the rest confidently predicted.

    Args:
        *sizes: height and width of each image.
        views: whether the teacher sees another image than the student.
        maps: how many of the three label maps there are.
        seed: of everything random.
    """
    rng = np.random.default_rng(seed)
    images, samples = [], []
    for height, width in sizes:
        images.append(
            torch.from_numpy(
                rng.integers(0, 256, (2, 3, height, width), np.uint8)
            )
        )
        sample = SegDataSample(
            metainfo=dict(img_shape=(height, width), ori_shape=(height, width))
        )
        names = ('gt_sem_seg', 'pseudo_sem_seg', 'confident_sem_seg')
        for index, name in enumerate(names[:maps]):
            label = np.full((1, height, width), 255, np.uint8)
            rows = slice(index * height // 3, (index + 1) * height // 3)
            label[:, rows] = rng.integers(
                0, NUM_CLASSES, label[:, rows].shape, np.uint8
            )
            sample.set_data({name: PixelData(data=torch.from_numpy(label))})
        samples.append(sample)
    inputs = [pair[0] for pair in images]
    if views:
        inputs = dict(student=inputs, teacher=[pair[1] for pair in images])
    return dict(inputs=inputs, data_samples=samples)


@pytest.fixture
def batch_of() -> Callable[..., dict]:
    """Makes a batch, see `make_batch`."""
    return make_batch


@pytest.fixture
def logits() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 3, 6, 4).requires_grad_()


@pytest.fixture
def maps() -> LabelMaps:
    """Rows 0 and 1 are weak, 2 is SAM's, 3 the teacher's, in both images."""
    torch.manual_seed(1)
    weak, pseudo, confident = torch.full((3, 2, 6, 4), NONE, dtype=torch.uint8)
    weak[:, :2] = random_ids(2, 2, 4)
    pseudo[:, 2:3] = random_ids(2, 1, 4)
    confident[:, 3:4] = random_ids(2, 1, 4)
    return make_maps(weak, pseudo, confident)
