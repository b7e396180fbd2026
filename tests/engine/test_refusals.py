"""Trainings that are refused before or in round 0."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_sesam.rounds.make_round import RoundError
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


def test_train_names_a_missing_weak_label(
    make_config: MakeConfig, scribbles: Path
) -> None:
    (scribbles / 'weak/deep/1.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'images/deep/1\.png; add'):
        train(make_config())


def test_train_rejects_a_locked_store(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    lock = store.lock()
    with pytest.raises(ValueError, match='in use by another run'):
        train(make_config(train_cfg__max_iters=1))
    lock.release()
    train(make_config(train_cfg__max_iters=1))


def test_train_rejects_a_round_larger_than_the_disk(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = shutil.disk_usage('/')._replace(free=100)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(RoundError, match='has 0 MiB left on its disk, and'):
        train(make_config(train_cfg__max_iters=1))
    assert store.current is None
