"""Checkpoints are replaced whole, and removed when others are there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

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
    assert not (tmp_path / 'iter_2.pth.part').exists()
