"""Trainings that are refused before or in round 0."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from pipelines import place_of

from mmseg_sesam.rounds.make_round import RoundError
from mmseg_sesam.store.store import PseudoLabelStore

from .conftest import train

MakeConfig = Callable[..., Config]


def drop_source(cfg: Config) -> None:
    pipeline = cfg.train_dataloader.dataset.pipeline
    del pipeline[place_of(pipeline, 'LoadPseudoLabel')]


def crop_first(cfg: Config) -> None:
    pipeline = cfg.train_dataloader.dataset.pipeline
    crop = pipeline.pop(place_of(pipeline, 'RandomCrop'))
    pipeline.insert(place_of(pipeline, 'LoadWeakAnnotations'), crop)


def rotate_labels(cfg: Config) -> None:
    pipeline = cfg.train_dataloader.dataset.pipeline
    place = place_of(pipeline, 'RandomCrop')
    pipeline.insert(place, dict(type='RandomRotFlip'))


def four_classes(cfg: Config) -> None:
    cfg.model.decode_head.num_classes = 4


def plain_model(cfg: Config) -> None:
    for name in ('teacher',):
        cfg.model.pop(name)
    cfg.model.type = 'EncoderDecoder'


def two_thresholds(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.enrich_threshold = [0.9, 0.8]


def teacher_never_asked(cfg: Config) -> None:
    cfg.model.teacher = 'round'
    cfg.default_hooks.pseudo_labels.max_rounds = 0


def mosaic_of_weak_classes(cfg: Config) -> None:
    cfg.model.only_weak_classes = True
    dataset = cfg.train_dataloader.dataset
    place = place_of(dataset.pipeline, 'RandomCrop')
    loading, augmenting = dataset.pipeline[:place], dataset.pipeline[place:]
    cfg.train_dataloader.dataset = dict(
        type='MultiImageMixDataset',
        dataset=dict(dataset, pipeline=loading),
        pipeline=[dict(type='RandomMosaic', prob=1.0), *augmenting],
    )


def no_beginning(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.begin = 0


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (drop_source, 'needs LoadPseudoLabel after the weak labels'),
        (crop_first, r"holds \['RandomCrop'\] before LoadPseudoLabel"),
        (rotate_labels, 'holds RandomRotFlip'),
        (four_classes, 'has 3 classes and the decode head num_classes=4'),
        (plain_model, 'the model is EncoderDecoder, which does not read'),
        (
            two_thresholds,
            'has enrich_threshold for 2 classes and .* num_classes=3',
        ),
        (teacher_never_asked, "teacher='round', .* max_rounds=0; set"),
        (mosaic_of_weak_classes, 'RandomMosaic, .* only_weak_classes'),
        (no_beginning, 'begin'),
    ],
)
def test_train_rejects_a_config_without_effect(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    spoil: Callable[[Config], None],
    message: str,
) -> None:
    cfg = make_config()
    spoil(cfg)
    with pytest.raises(ValueError, match=message):
        train(cfg)
    assert store.current is None


def test_train_rejects_an_unusable_weak_label(
    make_config: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    wrong = np.full((10, 10), 255, np.uint8)
    Image.fromarray(wrong).save(scribbles / 'weak/deep/2.png')
    cfg = make_config()
    with pytest.raises(RuntimeError, match=r'2\.png has \(10, 10\)'):
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
