"""One image with its weak label, in folders as a data set has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

SIZE = (40, 56)


@pytest.fixture(autouse=True)
def mmseg_scope() -> None:
    """Transforms are looked up as a Runner looks them up."""
    init_default_scope('mmseg')


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Holds images/town/a.png, and labels/town/a.png in three classes."""
    root = tmp_path / 'data'
    for folder in ('images', 'labels'):
        (root / folder / 'town').mkdir(parents=True)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(image).save(root / 'images/town/a.png')
    Image.fromarray(blocks(rng)).save(root / 'labels/town/a.png')
    return root


@pytest.fixture
def results(root: Path) -> dict:
    """What a data set hands to its pipeline for that image."""
    return dict(
        img_path=str(root / 'images/town/a.png'),
        seg_map_path=str(root / 'labels/town/a.png'),
        label_map=None,
        reduce_zero_label=False,
        seg_fields=[],
    )


@pytest.fixture
def label(results: dict) -> np.ndarray:
    """The label of that image."""
    return np.array(Image.open(results['seg_map_path']))


def blocks(rng: np.random.Generator) -> np.ndarray:
    """Blocks of 8 x 8 pixels in classes 0 to 2, or unlabelled."""
    ids = rng.choice(np.array([0, 1, 2, 255], np.uint8), (5, 7))
    return ids.repeat(8, axis=0).repeat(8, axis=1)
