"""Small trainings, and what they logged."""

from __future__ import annotations

import json
from pathlib import Path

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


@pytest.fixture
def store(tmp_path: Path) -> PseudoLabelStore:
    return PseudoLabelStore(tmp_path / 'work/pseudo_labels')
