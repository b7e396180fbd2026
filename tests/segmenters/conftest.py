"""What the tests of segmenters share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mmseg.registry import TASK_UTILS
from region_segmenter import RegionSegmenter


@pytest.fixture
def region_segmenter() -> Iterator[None]:
    """Registers `RegionSegmenter`."""
    TASK_UTILS.register_module(module=RegionSegmenter)
    yield
    TASK_UTILS.module_dict.pop('RegionSegmenter')
