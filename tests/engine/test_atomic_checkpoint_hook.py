"""Checkpoints are replaced whole, and removed when others are there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tiny_configs import validated, without_rounds

from mmseg_sesam.engine.atomic_checkpoint_hook import (
    AtomicBackend,
    AtomicCheckpointHook,
)
from mmseg_sesam.engine.summary import summarise


class Resuming:
    """The attribute of a runner that the hook reads."""

    _resume = True


@pytest.mark.parametrize(
    ('name', 'kept'),
    [
        ('iter_12.pth', True),
        ('best_mIoU_iter_3.pth', True),
        ('../iter_12.pth', False),
        ('config.py', False),
        ('/etc/passwd', False),
        ('best_/iter_3.pth', False),
    ],
)
def test_checkpoint_hook_takes_over_only_names_of_checkpoints(
    name, kept
) -> None:
    hook = AtomicCheckpointHook(by_epoch=False)
    checkpoint = dict(outdated_checkpoints=[name])
    hook.after_load_checkpoint(Resuming, checkpoint)
    assert hook.resumed_outdated == ([name] if kept else [])


def test_checkpoint_hook_removes_nothing_of_another_folder(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=2)
    cfg.default_hooks.pseudo_labels.max_rounds = 0
    cfg.default_hooks.checkpoint.update(
        type='AtomicCheckpointHook', interval=1, max_keep_ckpts=1
    )
    runner = Runner.from_cfg(cfg)
    runner.train()
    latest = Path(runner.work_dir, 'iter_2.pth')
    saved = torch.load(latest, weights_only=False)
    assert saved['outdated_checkpoints'] == ['iter_1.pth']
    own = tmp_path / 'other/iter_1.pth'
    own.parent.mkdir()
    own.write_bytes(b'of another run')

    cfg.update(work_dir=str(own.parent), load_from=str(latest), resume=True)
    cfg.train_cfg.max_iters = 3
    Runner.from_cfg(cfg).train()

    assert own.read_bytes() == b'of another run'
    assert (own.parent / 'iter_3.pth').is_file()


def test_backend_replaces_files_whole_and_removes_them_late(
    tmp_path: Path,
) -> None:
    backend, path = AtomicBackend(), tmp_path / 'deep/iter_1.pth'
    backend.put(b'first', str(path))
    backend.put(b'second', str(path))
    assert [p.name for p in path.parent.iterdir()] == ['iter_1.pth']
    assert path.read_bytes() == b'second'
    backend.remove(str(path))
    assert path.exists()
    backend.remove_outdated(str(tmp_path), [])
    assert path.exists()
    backend.remove(str(path))
    backend.remove_outdated(str(path.parent), [str(path)])
    assert path.exists()
    backend.remove(str(path))
    backend.remove_outdated(str(path.parent), [])
    assert not path.exists()


def test_backend_leaves_no_part_of_a_failed_write(
    tmp_path: Path, monkeypatch
) -> None:
    backend, path = AtomicBackend(), tmp_path / 'iter_1.pth'
    backend.put(b'first', str(path))
    with pytest.raises(TypeError):
        backend.put(torch.zeros(1, requires_grad=True), str(path))
    # A folder cannot be replaced by a file.
    (tmp_path / 'iter_2.pth').mkdir()
    with pytest.raises(OSError):
        backend.put(b'second', str(tmp_path / 'iter_2.pth'))
    assert path.read_bytes() == b'first'
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ['iter_1.pth', 'iter_2.pth']


@pytest.fixture
def train_with_scores(make_config: Callable[..., Config]):
    """Trains with a validation of a given mIoU after each step."""

    def train(scores: list[float], stop: int | None = None, **options):
        cfg = make_config(model__teacher=None, **options)
        validated(without_rounds(cfg))
        cfg.train_cfg = dict(
            type='IterBasedTrainLoop', max_iters=len(scores), val_interval=1
        )
        cfg.default_hooks.checkpoint.update(
            type='AtomicCheckpointHook',
            interval=1,
            save_best='mIoU',
            rule='greater',
        )
        runner = Runner.from_cfg(cfg)
        runner.register_hook(SetScore(scores, stop), priority='VERY_HIGH')
        runner.train()
        return runner

    return train


class SetScore(Hook):
    """Sets the mIoU of each validation, and kills a run after one."""

    def __init__(self, scores: list[float], stop: int | None) -> None:
        self.scores, self.stop = scores, stop

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        metrics['mIoU'] = self.scores[runner.iter - 1]
        if runner.iter == self.stop:
            hook = next(h for h in runner.hooks if hasattr(h, 'last_ckpt'))
            hook._save_checkpoint_with_step = self.kill

    def kill(self, *args) -> None:
        raise KeyboardInterrupt


def best_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('best_*'))


def test_checkpoint_hook_keeps_the_best_checkpoint(
    train_with_scores, tmp_path: Path
) -> None:
    runner = train_with_scores([10.0, 68.4, 60.9])
    assert best_of(tmp_path / 'work') == ['best_mIoU_iter_2.pth']
    said = summarise(runner)
    assert '(val mIoU 68.40 after iter 2): ' in said
    assert str(tmp_path / 'work/best_mIoU_iter_2.pth') in said


@pytest.mark.parametrize('score', [50.0, 90.0], ids=['worse', 'better'])
def test_checkpoint_hook_finds_the_best_after_a_kill(
    train_with_scores, tmp_path: Path, score: float
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_with_scores([10.0, 68.4, score], stop=2)
    folder = tmp_path / 'work'
    # Its checkpoint still names the one before, which is not removed yet.
    assert best_of(folder) == ['best_mIoU_iter_1.pth', 'best_mIoU_iter_2.pth']
    # The user's own copies are left alone.
    copies = ['best_mIoU_final.pth', 'best_mIoU_iter_1_backup.pth']
    for name in copies:
        shutil.copy(folder / 'best_mIoU_iter_1.pth', folder / name)

    path = str(folder / 'iter_2.pth')
    train_with_scores([10.0, 68.4, score], resume=True, load_from=path)

    step = 3 if score > 68.4 else 2
    expected = sorted([*copies, f'best_mIoU_iter_{step}.pth'])
    assert best_of(folder) == expected


def test_checkpoint_hook_keeps_one_best_in_a_copied_run(
    train_with_scores, tmp_path: Path
) -> None:
    train_with_scores([10.0, 20.0])
    shutil.copytree(tmp_path / 'work', tmp_path / 'copy')
    train_with_scores(
        [10.0, 20.0, 30.0],
        work_dir=str(tmp_path / 'copy'),
        resume=True,
        load_from=str(tmp_path / 'copy/iter_2.pth'),
    )
    assert best_of(tmp_path / 'copy') == ['best_mIoU_iter_3.pth']
    assert best_of(tmp_path / 'work') == ['best_mIoU_iter_2.pth']
