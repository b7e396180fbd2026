"""A run that is killed in a validation makes it when it is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tiny_configs import validated, without_rounds

Train = Callable[..., dict[int, float]]


class RecordScores(Hook):
    """Keeps the scores by the step; ends the run before one validation.

    Or before the next step, if it is `stopped_at` one.
    """

    def __init__(
        self, killed_at: int | None = None, stopped_at: int | None = None
    ) -> None:
        self.killed_at = killed_at
        self.stopped_at = stopped_at
        self.scores: dict[int, float] = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter == self.stopped_at:
            raise KeyboardInterrupt

    def before_val(self, runner: Runner) -> None:
        if runner.iter == self.killed_at:
            raise KeyboardInterrupt

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        self.scores[runner.iter] = metrics['mIoU']


@pytest.fixture
def train(make_config: Callable[..., Config], tmp_path: Path) -> Train:
    """Trains four steps, and returns the scores of its validations."""

    def run(name: str, ends: dict | None = None, **train_cfg) -> dict:
        cfg = validated(without_rounds(make_config()))
        cfg.work_dir = str(tmp_path / name)
        cfg.train_cfg = dict(
            type='IterBasedTrainLoop', max_iters=4, val_interval=3, **train_cfg
        )
        hooks = cfg.default_hooks
        hooks.checkpoint.update(interval=1, save_best='mIoU')
        hooks.step_seed = dict(type='StepSeedHook')
        hooks.missed_validation = dict(type='MissedValidationHook')
        cfg.resume = Path(cfg.work_dir).exists()
        runner, record = Runner.from_cfg(cfg), RecordScores(**(ends or {}))
        runner.register_hook(record)
        try:
            runner.train()
        except KeyboardInterrupt:
            assert ends
        return record.scores

    return run


@pytest.mark.parametrize('step', [3, 4])
def test_resumed_run_makes_the_validation_it_was_killed_in(
    train: Train, tmp_path: Path, step: int
) -> None:
    whole = train('whole')
    assert [*whole] == [3, 4]

    before = train('killed', dict(killed_at=step))
    resumed = train('killed')

    assert step not in before
    assert before | resumed == whole
    found = [
        {path.name for path in (tmp_path / name).glob('*.pth')}
        for name in ('whole', 'killed')
    ]
    assert found[0] == found[1]


def test_finished_run_has_the_same_score_again(train: Train) -> None:
    whole = train('whole')
    assert train('whole') == {4: whole[4]}


def test_resumed_run_validates_no_step_without_a_validation(
    train: Train,
) -> None:
    train('between', dict(stopped_at=2))
    assert [*train('between')] == [3, 4]
    train('early', dict(stopped_at=3), val_begin=4)
    assert [*train('early', val_begin=4)] == [4]
