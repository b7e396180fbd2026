"""A real training of some steps, its report, and a browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_configs import validated

from mmseg_sesam.io.suggestions import SUGGESTIONS
from mmseg_sesam.report import build_report
from mmseg_sesam.report.run import read_run


def train(cfg: Config) -> None:
    """Trains from scribbles, and validates twice."""
    validated(cfg, labels='dense')
    cfg.val_evaluator = [cfg.val_evaluator, dict(type='BoundaryIoU')]
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_evaluator = cfg.val_evaluator
    cfg.test_cfg = dict(type='TestLoop')
    cfg.train_cfg.val_interval = 3
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    Runner.from_cfg(cfg).train()


def write_suggestion(folder: Path, image: Path) -> Path:
    """Writes one suggestion as tools/suggest.py does; returns the folder."""
    region = dict(box=[12, 10, 36, 30], reason='')
    one = dict(rank=1, image=str(image), reason='it is rare', regions=[region])
    content = dict(checkpoint='iter_6.pth', suggestions=[one])
    folder.mkdir()
    (folder / SUGGESTIONS).write_text(json.dumps(content))
    return folder


@pytest.fixture(scope='session')
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the first test leaves its run for the others."""
    return tmp_path_factory.mktemp('snapshot') / 'run'


@pytest.fixture
def work_dir(
    make_config: Callable[..., Config],
    scribbles: Path,
    tmp_path: Path,
    snapshot: Path,
) -> Path:
    """A copy of a run of six steps and three rounds."""
    moved = snapshot / 'moved_from'
    if not snapshot.exists():
        train(make_config())
        shutil.copytree(tmp_path, snapshot)
        moved.write_text(str(tmp_path))
    else:
        shutil.copytree(snapshot, tmp_path, dirs_exist_ok=True)
        for config in tmp_path.glob('work/*/vis_data/config.py'):
            text = config.read_text()
            text = text.replace(moved.read_text(), str(tmp_path))
            config.write_text(text)
    return tmp_path / 'work'


@pytest.fixture
def page(work_dir: Path, scribbles: Path, snapshot: Path) -> Path:
    """The whole report of the run, with dense labels; built once."""
    page = snapshot / 'report.html'
    if not page.exists():
        # The best one of another measure is the newest.
        step = read_run(work_dir).best['step']
        saved = [f'best_mIoU_iter_{step}.pth', 'best_aAcc_iter_6.pth']
        for name in saved:
            (work_dir / name).touch()
        suggestions = write_suggestion(
            scribbles.parent / 'next', scribbles / 'images/deep/1.png'
        )
        build_report(
            work_dir, page, scribbles / 'dense', suggestions=suggestions
        )
        for name in saved:
            (work_dir / name).unlink()
    return page


@pytest.fixture
def amend(work_dir: Path) -> Callable[[str], None]:
    """Adds a line to the config that the run left."""

    def add(line: str) -> None:
        for config in work_dir.glob('*/vis_data/config.py'):
            config.write_text(f'{config.read_text()}\n{line}\n')

    return add
