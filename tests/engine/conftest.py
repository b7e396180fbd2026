"""Small trainings, and what they logged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_sesam.engine import SAMPseudoLabelHook
from mmseg_sesam.store.store import PseudoLabelStore


def train(cfg: Config, **hook: object) -> Runner:
    """Trains; keywords are options of `SeSAMVisualizationHook`."""
    if hook:
        hook = dict(type='SeSAMVisualizationHook', **hook)
        cfg.default_hooks.training_pictures = hook
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def logged(runner: Runner, name: str) -> list[float]:
    """A scalar of each training step."""
    lines = Path(runner.log_dir, 'vis_data', 'scalars.json').read_text()
    return [json.loads(line)[name] for line in lines.splitlines()]


def hook_of(runner: Runner) -> SAMPseudoLabelHook:
    return next(h for h in runner.hooks if isinstance(h, SAMPseudoLabelHook))


def change_selector(cfg: Config) -> Config:
    """Changes the settings of pseudo-labels: no mask is accepted."""
    cfg.default_hooks.pseudo_labels.generator.selector = dict(
        type='CoverageMaskSelector', min_predicted_iou=1.0
    )
    return cfg


def files_of(store: PseudoLabelStore) -> dict[Path, bytes]:
    """The content of all rounds."""
    paths = [p for p in store.root.glob('round_*/**/*') if p.is_file()]
    return {path: path.read_bytes() for path in paths}


@pytest.fixture(scope='session')
def short_run_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the first test leaves its run for the others."""
    return tmp_path_factory.mktemp('short_run') / 'work'


@pytest.fixture
def short_run(
    make_config: Callable[..., Config], tmp_path: Path, short_run_files: Path
) -> Path:
    """The work dir of a run of three steps, with a refresh after two."""
    work = tmp_path / 'work'
    if not short_run_files.exists():
        train(make_config(train_cfg__max_iters=3))
        shutil.copytree(work, short_run_files)
    else:
        shutil.copytree(short_run_files, work)
        (work / 'last_checkpoint').write_text(str(work / 'iter_3.pth'))
    return work


@pytest.fixture
def store(tmp_path: Path) -> PseudoLabelStore:
    return PseudoLabelStore(tmp_path / 'work/pseudo_labels')
