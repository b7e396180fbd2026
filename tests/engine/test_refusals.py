"""Trainings that are refused before or in round 0."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_sesam.store.store import PseudoLabelStore

from .conftest import train

MakeConfig = Callable[..., Config]


def test_train_rejects_an_unusable_weak_label(
    make_config: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    wrong = np.full((10, 10), 255, np.uint8)
    Image.fromarray(wrong).save(scribbles / 'weak/deep/2.png')
    cfg = make_config()
    with pytest.raises(ValueError, match=r'2\.png has \(10, 10\)'):
        train(cfg)
    assert store.current is None


def test_train_rejects_a_locked_store(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    lock = store.lock()
    with pytest.raises(ValueError, match='in use by another run'):
        train(make_config(train_cfg__max_iters=1))
    lock.release()
    train(make_config(train_cfg__max_iters=1))
