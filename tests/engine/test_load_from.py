"""Weights that `load_from` loads start a new training."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from pipelines import place_of

MakeConfig = Callable[..., Config]


def train(cfg: Config) -> Runner:
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def make_plain(cfg: Config) -> Config:
    """Turns the model into mmseg's own, without hook and pseudo-labels."""
    del cfg.model['teacher']
    cfg.model.type = 'EncoderDecoder'
    cfg.model.data_preprocessor.type = 'SegDataPreProcessor'
    pipeline = cfg.train_dataloader.dataset.pipeline
    for name in ('LoadPseudoLabel', 'KeepTeacherView'):
        del pipeline[place_of(pipeline, name)]
    loader = pipeline[place_of(pipeline, 'LoadWeakAnnotations')]
    loader.type = 'LoadAnnotations'
    loader.pop('num_classes')
    pipeline[place_of(pipeline, 'PackSeSAMInputs')].type = 'PackSegInputs'
    del cfg.default_hooks['pseudo_labels']
    return cfg


@pytest.mark.parametrize('source', ['sesam', 'plain'])
@pytest.mark.parametrize('hook', [True, False], ids=['hook', 'no hook'])
def test_load_from_starts_a_new_training(
    make_config: MakeConfig, tmp_path: Path, source: str, hook: bool
) -> None:
    first = make_config(train_cfg__max_iters=3)
    train(make_plain(first) if source == 'plain' else first)
    path = tmp_path / 'work/iter_3.pth'
    loaded = torch.load(path, weights_only=False)['state_dict']
    assert any('teacher' in name for name in loaded) == (source == 'sesam')

    cfg = make_config(
        train_cfg__max_iters=1,
        work_dir=str(tmp_path / 'fine'),
        load_from=str(path),
    )
    if not hook:
        del cfg.default_hooks['pseudo_labels']
        pipeline = cfg.train_dataloader.dataset.pipeline
        del pipeline[place_of(pipeline, 'LoadPseudoLabel')]
    runner = train(cfg)

    assert runner.model.iteration == 1
    teacher = runner.model.teacher.state_dict()
    parameters = [n for n, _ in runner.model.teacher.named_parameters()]
    for name in parameters:
        assert torch.equal(teacher[name], loaded[name]), name


def test_load_from_starts_ramps_and_resume_continues_them(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    options = dict(
        model__sources=[
            dict(type='LabelSource', name='weak', field='gt_sem_seg', ramp=50),
            dict(type='LabelSource', name='pseudo', field='pseudo_sem_seg'),
        ]
    )
    train(make_config(train_cfg__max_iters=3, **options))
    path = str(tmp_path / 'work/iter_3.pth')

    resumed = train(
        make_config(
            train_cfg__max_iters=4, load_from=path, resume=True, **options
        )
    )
    assert resumed.model.iteration == 4

    loaded = make_config(
        train_cfg__max_iters=1,
        load_from=path,
        work_dir=str(tmp_path / 'fine'),
        **options,
    )
    loaded.default_hooks.pseudo_labels.max_rounds = 0
    runner = train(loaded)
    assert runner.model.iteration == 1
    assert (
        'weights were trained for 3 iterations'
        in next(Path(runner.log_dir).glob('*.log')).read_text()
    )
