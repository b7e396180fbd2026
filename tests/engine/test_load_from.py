"""Weights that `load_from` loads start a new training."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config
from pipelines import place_of
from tiny_configs import without_rounds

from mmseg_sesam.store.store import PseudoLabelStore

from .conftest import logged, train

MakeConfig = Callable[..., Config]


def make_plain(cfg: Config) -> Config:
    """Turns the model into mmseg's own, without hook and pseudo-labels."""
    del cfg.model['teacher']
    cfg.model.type = 'EncoderDecoder'
    cfg.model.data_preprocessor.type = 'SegDataPreProcessor'
    pipeline = without_rounds(cfg).train_dataloader.dataset.pipeline
    del pipeline[place_of(pipeline, 'KeepTeacherView')]
    loader = pipeline[place_of(pipeline, 'LoadWeakAnnotations')]
    loader.type = 'LoadAnnotations'
    loader.pop('num_classes')
    pipeline[place_of(pipeline, 'PackSeSAMInputs')].type = 'PackSegInputs'
    return cfg


@pytest.mark.parametrize('source', ['sesam', 'plain'])
def test_load_from_starts_a_new_training(
    make_config: MakeConfig,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    source: str,
) -> None:
    if source == 'sesam':
        request.getfixturevalue('short_run')
    else:
        train(make_plain(make_config(train_cfg__max_iters=3)))
    path = tmp_path / 'work/iter_3.pth'
    loaded = torch.load(path, weights_only=False)['state_dict']
    assert any('teacher' in name for name in loaded) == (source == 'sesam')

    options = dict(train_cfg__max_iters=1, load_from=str(path))
    fine = make_config(work_dir=str(tmp_path / 'fine'), **options)
    bare = make_config(work_dir=str(tmp_path / 'bare'), **options)
    for cfg in (fine, without_rounds(bare)):
        runner = train(cfg)
        assert runner.model.iteration == 1
        teacher = runner.model.teacher.state_dict()
        for name, _ in runner.model.teacher.named_parameters():
            assert torch.equal(teacher[name], loaded[name]), name
        if cfg is fine:
            # The checkpoint notes round 1 of its own training.
            assert logged(runner, 'round') == [0]
    store = PseudoLabelStore(tmp_path / 'fine/pseudo_labels')
    assert store.rounds() == [0]


def test_load_from_starts_ramps_and_resume_continues_them(
    make_config: MakeConfig, tmp_path: Path, short_run: Path
) -> None:
    options = dict(
        model__sources=[
            dict(type='LabelSource', name='weak', field='gt_sem_seg', ramp=50),
            dict(type='LabelSource', name='pseudo', field='pseudo_sem_seg'),
        ]
    )
    path = str(short_run / 'iter_3.pth')

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
