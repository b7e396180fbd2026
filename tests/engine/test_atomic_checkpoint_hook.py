"""Checkpoints are replaced whole, and removed when others are there."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_sesam.engine.atomic_checkpoint_hook import (
    AtomicBackend,
    AtomicCheckpointHook,
)


class Resuming:
    """All that the hook asks of a runner here."""

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
def test_a_checkpoint_names_only_checkpoints_to_be_removed(name, kept) -> None:
    hook = AtomicCheckpointHook(by_epoch=False)
    checkpoint = dict(outdated_checkpoints=[name])
    hook.after_load_checkpoint(Resuming, checkpoint)
    assert hook.resumed_outdated == ([name] if kept else [])


def test_a_checkpoint_of_another_folder_removes_nothing(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=2)
    cfg.custom_hooks[0].max_rounds = 0
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


def test_files_are_replaced_whole_and_removed_late(tmp_path: Path) -> None:
    backend, path = AtomicBackend(), tmp_path / 'deep/iter_1.pth'
    backend.put(b'first', str(path))
    backend.put(b'second', str(path))
    assert [p.name for p in path.parent.iterdir()] == ['iter_1.pth']
    assert path.read_bytes() == b'second'
    backend.remove(str(path))
    assert path.exists()
    backend.remove_outdated([str(path)])
    assert path.exists()
    backend.remove(str(path))
    backend.remove_outdated([])
    assert not path.exists()


def test_what_does_not_fit_is_removed(tmp_path: Path, monkeypatch) -> None:
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
