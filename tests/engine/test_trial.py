"""Errors of the first step are raised before round 0."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine import dist
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image
from pipelines import place_of
from torch.nn import SyncBatchNorm

from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.engine.trial import (
    try_batch,
    try_predictions,
    try_sample,
    try_single_image,
)
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import PseudoLabelStore

MakeConfig = Callable[..., Config]


@pytest.mark.parametrize(
    'kept',
    # PhotoMetricDistortion needs three channels; mean and std have three.
    [True, False],
    ids=['transform', 'network'],
)
def test_trial_rejects_grey_images_before_round_0(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path, kept: bool
) -> None:
    cfg = make_config()
    dataset = cfg.train_dataloader.dataset
    place = place_of(dataset.pipeline, 'LoadImageFromFile')
    dataset.pipeline[place].color_type = 'grayscale'
    dataset.pipeline = [
        step
        for step in dataset.pipeline
        if kept or step['type'] != 'PhotoMetricDistortion'
    ]
    # The preprocessor spreads a single channel over three numbers.
    cfg.model.data_preprocessor.update(mean=[100.0] * 3, std=[50.0] * 3)
    cfg.model.backbone.in_channels = 3 if kept else 1
    with pytest.raises(
        ValueError, match='(?s)image cannot be trained on .* mean and std of'
    ):
        Runner.from_cfg(cfg).train()
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))


def with_single_images(cfg: Config) -> Config:
    """Trains on single images, which the network keeps above one pixel."""
    cfg.model.backbone.update(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
    cfg.train_dataloader.batch_size = 1
    return cfg


def predict_images(runner: Runner) -> None:
    """The trial of a refresh without transforms of validation."""
    teacher = TeacherPredictor(runner.model, ValidationTransforms(), 0.95)
    images = TrainingImages(runner.cfg.train_dataloader.dataset, 0)
    try_predictions(images, teacher)


@pytest.mark.parametrize(
    'trial', [try_sample, try_single_image, predict_images]
)
def test_trial_changes_neither_model_nor_generators(
    make_config: MakeConfig, scribbles: Path, trial: Callable
) -> None:
    runner = Runner.from_cfg(with_single_images(make_config()))
    # To build the loader draws a seed.
    assert len(runner.train_dataloader.dataset)
    before = copy.deepcopy(runner.model.state_dict())
    states = np.random.get_state()[1].tolist(), torch.get_rng_state()
    trial(runner)
    assert runner.model.training
    assert np.random.get_state()[1].tolist() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])
    torch.testing.assert_close(runner.model.state_dict(), before)


def test_trial_rejects_an_unfitting_head_before_round_0(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path
) -> None:
    cfg = make_config()
    cfg.model.auxiliary_head = dict(cfg.model.decode_head, in_channels=7)
    with pytest.raises(ValueError, match='image cannot be trained on'):
        Runner.from_cfg(cfg).train()
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))


def test_trial_runs_where_a_tool_has_made_round_0(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path
) -> None:
    store = PseudoLabelStore(tmp_path / 'work/pseudo_labels')
    store.begin(0, {})
    store.commit(0, {})
    cfg = make_config()
    cfg.model.auxiliary_head = dict(cfg.model.decode_head, in_channels=7)
    with pytest.raises(ValueError, match='image cannot be trained on'):
        Runner.from_cfg(cfg).train()


def test_trial_names_an_option_of_validation_that_no_round_can_store(
    make_config: MakeConfig, scribbles: Path
) -> None:
    runner = Runner.from_cfg(make_config())
    resize = dict(type='Resize', scale=(40, 40), backend={'cv2'})
    steps = [dict(type='LoadImageFromFile'), resize]
    runner.cfg.val_dataloader = dict(dataset=dict(pipeline=steps))
    with pytest.raises(
        ValueError, match="Resize of the validation pipeline holds set at 'ba"
    ):
        runner.train()


def test_trial_rejects_transforms_that_a_refresh_cannot_apply(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path
) -> None:
    runner = Runner.from_cfg(make_config())
    steps = [dict(type='LoadImageFromFile'), dict(type='GenerateEdge')]
    runner.cfg.val_dataloader = dict(dataset=dict(pipeline=steps))
    with pytest.raises(ValueError, match=r'\(GenerateEdge\) fail .* Load'):
        runner.train()
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))


def test_trial_rejects_a_size_that_no_refresh_predicts_before_round_0(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path
) -> None:
    # The first image has a size that the network takes, as crops have.
    for folder in ('images', 'weak'):
        path = scribbles / folder / 'deep/0.png'
        with Image.open(path) as image:
            image.crop((0, 0, 48, 32)).save(path)
    cfg = make_config()
    cfg.model.backbone = dict(type='UNet', base_channels=2)
    cfg.model.decode_head.in_channels = 4
    with pytest.raises(
        ValueError,
        match=r'1\.png of 48 x 40 pixels cannot be predicted in a refresh '
        r'\(AssertionError: .* divisible .* size_divisor, such as 32',
    ):
        Runner.from_cfg(cfg).train()
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))

    cfg.model.data_preprocessor.test_cfg = dict(size_divisor=16)
    predict_images(Runner.from_cfg(cfg))


def test_trial_rejects_sizes_that_no_batch_holds_before_round_0(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path
) -> None:
    # The last image stands upright, with as many pixels as the others.
    for folder in ('images', 'weak'):
        path = scribbles / folder / 'deep/2.png'
        with Image.open(path) as image:
            image.rotate(90, expand=True).save(path)
    cfg = make_config()
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline.pop(place_of(pipeline, 'RandomCrop'))
    with pytest.raises(
        ValueError, match=r'cannot be joined in a batch \(stack .* RandomCrop'
    ):
        Runner.from_cfg(cfg).train()
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))

    cfg.train_dataloader.batch_size = 1
    try_batch(Runner.from_cfg(cfg), [0, 2])


def test_trial_rejects_random_sizes_of_images_that_have_one_size(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path
) -> None:
    cfg = make_config()
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[place_of(pipeline, 'RandomCrop')] = dict(
        type='RandomResize', scale=(48, 40), ratio_range=(0.5, 2.0)
    )
    with pytest.raises(ValueError, match='cannot be joined in a batch'):
        Runner.from_cfg(cfg).train()
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))


@pytest.fixture
def pooling(make_config: MakeConfig, scribbles: Path) -> Config:
    """Trains on single images a head that pools each to one pixel."""
    cfg = with_single_images(make_config())
    head = cfg.model.decode_head
    del head['num_convs']
    head.update(type='ASPPHead', dilations=(1, 2))
    return cfg


def test_trial_rejects_single_images_that_are_pooled_before_round_0(
    pooling: Config, tmp_path: Path
) -> None:
    with pytest.raises(
        ValueError,
        match=r'single image \(Expected more .*batch_size is 1; set',
    ):
        Runner.from_cfg(pooling).train()
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))

    pooling.train_dataloader.batch_size = 2
    try_single_image(Runner.from_cfg(pooling))


def test_try_single_image_rejects_a_last_batch_of_one_image(
    pooling: Config,
) -> None:
    # Two of the three images are in the first batch.
    pooling.train_dataloader.batch_size = 2
    pooling.train_dataloader.sampler = dict(type='DefaultSampler')
    with pytest.raises(ValueError, match=r'each epoch has one; set drop_last'):
        try_single_image(Runner.from_cfg(pooling))

    pooling.train_dataloader.drop_last = True
    try_single_image(Runner.from_cfg(pooling))


def test_try_single_image_accepts_batch_norm_over_all_ranks(
    pooling: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner.from_cfg(pooling)
    model = runner.model
    model.decode_head = SyncBatchNorm.convert_sync_batchnorm(model.decode_head)
    # A Runner of one process would turn it back.
    with pytest.raises(ValueError, match='train_dataloader.batch_size is 1'):
        try_single_image(runner)
    monkeypatch.setattr(dist, 'get_world_size', lambda: 2)
    try_single_image(runner)
    assert all(module.training for module in model.decode_head.modules())
