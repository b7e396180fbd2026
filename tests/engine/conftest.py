"""A tiny data set with scribbles, and a config that trains on it."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

SIZE = (40, 48)
COLOURS = np.array([[200, 60, 40], [40, 180, 70], [60, 60, 200]])


@pytest.fixture
def scribbles(tmp_path: Path) -> Path:
    """Three images of three stripes, a scribble along each stripe."""
    root = tmp_path / 'data'
    rng = np.random.default_rng(0)
    for folder in ('images', 'dense', 'weak'):
        (root / folder / 'deep').mkdir(parents=True)
    for index in range(3):
        borders = np.sort(rng.integers(12, 36, 2)) + (0, 6)
        dense = np.digitize(np.arange(SIZE[1]), borders).astype(np.uint8)
        dense = np.tile(dense, (SIZE[0], 1))
        image = COLOURS[dense] + rng.integers(-8, 9, (*SIZE, 3))
        weak = np.full(SIZE, 255, np.uint8)
        for class_id in range(3):
            middle = int(np.flatnonzero(dense[0] == class_id).mean())
            weak[8:-8, middle] = class_id
        name = f'deep/{index}'
        for folder, array in (
            ('images', image.astype(np.uint8)),
            ('dense', dense),
            ('weak', weak),
        ):
            Image.fromarray(array).save(root / folder / f'{name}.png')
    return root


@pytest.fixture
def make_config(scribbles: Path, tmp_path: Path) -> Callable[..., Config]:
    """Makes a config; keywords override dotted keys."""

    def make(**options) -> Config:
        cfg = Config.fromfile(Path(__file__).with_name('tiny.py'))
        cfg.work_dir = str(tmp_path / 'work')
        dataset = cfg.train_dataloader.dataset
        dataset.data_root = str(scribbles)
        source = dataset.pipeline[2]
        source.pseudo_label_dir = str(tmp_path / 'pseudo')
        source.data_root = str(scribbles)
        cfg.merge_from_dict(
            {key.replace('__', '.'): v for key, v in options.items()}
        )
        return cfg

    return make
