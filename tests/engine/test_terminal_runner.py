"""Progress of a slow training in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from pipelines import place_of

from mmseg_sesam.engine.terminal_runner import TerminalRunner
from mmseg_sesam.io import terminal


@pytest.mark.parametrize('patience', [0, 1000], ids=['slow', 'quick'])
def test_terminal_runner_logs_slow_steps(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    patience: float,
) -> None:
    # Each step takes longer than the patience.
    monkeypatch.setattr(terminal, '_PAUSE', patience)
    cfg = make_config(model__teacher=None, train_cfg__max_iters=4)
    del cfg.default_hooks['pseudo_labels']
    pipeline = cfg.train_dataloader.dataset.pipeline
    del pipeline[place_of(pipeline, 'LoadPseudoLabel')]
    cfg.default_hooks.logger.interval = 2
    runner = TerminalRunner.from_cfg(cfg)
    runner.train()

    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    told = [step for step in range(1, 5) if f'Step {step} of 4' in log]
    assert told == ([] if patience else [1, 3])

    cfg.load_from, cfg.resume = str(tmp_path / 'work/iter_3.pth'), True
    runner = TerminalRunner.from_cfg(cfg)
    runner.train()
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert ('Loaded 2 of the 3 batches' in log) == (not patience)
    assert runner.iter == 4
