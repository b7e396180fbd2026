"""The way through the SAMs of transformers, on a GPU that is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_gpu import PRECISIONS, assert_on_the_gpu

from mmseg_sesam.segmenters import TransformersSegmenter

from .tiny_models import CLASSES

SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    'precision',
    [
        name if name == 'bf16' else pytest.param(name, marks=SLOW)
        for name in PRECISIONS
    ],
)
@pytest.mark.parametrize(
    'family',
    [
        # The others are made as these are.
        name if name in ('sam', 'sam2') else pytest.param(name, marks=SLOW)
        for name in CLASSES
    ],
)
def test_transformers_segmenter_stays_on_the_gpu(
    folders: dict[str, Path], family: str, precision: str
) -> None:
    segmenter = TransformersSegmenter(str(folders[family]))
    image = np.zeros((90, 150, 3), np.uint8)
    # Processors of SAM 1 give sizes as tensors, whose values a fake lacks.
    encodes = family in ('sam2', 'sam3')
    assert_on_the_gpu(segmenter, image, precision, encodes)
