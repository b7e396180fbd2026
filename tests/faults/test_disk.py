"""Disks that fail, and files that are damaged."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Callable

import pytest

from mmseg_sesam.io.locks import lock_folder

from .conftest import Reference, Training, often
from .forks import GENERATE, Fault, run


@pytest.mark.parametrize(
    ('phase', 'number', 'error', 'status'),
    [
        # 2 where a round cannot be made: a sentence without a traceback.
        ('generation', 40, errno.ENOSPC, 2),
        ('checkpointing', 9, errno.ENOSPC, 1),
        often('generation', 150, errno.EIO, 2),
        # A worker cannot read the published round.
        often('publishing', 20, errno.EIO, 1),
        often('current', 3, errno.EROFS, 2),
    ],
)
def test_train_resumes_after_a_disk_error(
    training: Training,
    undisturbed: Callable[[], Reference],
    phase: str,
    number: int,
    error: int,
    status: int,
) -> None:
    stopped = training.go(fault=Fault(phase, number, error))
    assert stopped.statuses == [status]
    assert os.strerror(error) in stopped.text
    if phase == 'generation':
        assert 'nothing is published' in stopped.text

    assert training.go().statuses == [0]
    assert undisturbed().differences(training) == []


def generate(training: Training, out: Path):
    return run(training.folder, GENERATE, training.config, '--out', out)


def test_generate_pseudo_labels_resumes_after_a_full_disk(
    training: Training, small_disk: Callable[[str], Path]
) -> None:
    out = small_disk('size=24k') / 'rounds'
    full = generate(training, out)
    assert full.statuses == [2]
    assert 'No space left on device' in full.text
    assert 'nothing is published' in full.text
    assert not (out / 'CURRENT').exists()

    small_disk('size=1m')
    assert generate(training, out).statuses == [0]
    assert generate(training, training.store.root).statuses == [0]
    for path in (training.store.root / 'round_0000/labels').rglob('*.png'):
        name = path.relative_to(training.store.root)
        assert (out / name).read_bytes() == path.read_bytes()


def test_generate_pseudo_labels_rejects_a_read_only_folder(
    training: Training, small_disk: Callable[[str], Path]
) -> None:
    out = small_disk('size=1m')
    small_disk('ro')
    refused = generate(training, out)
    assert refused.statuses == [2]
    assert 'Read-only file system' in refused.text


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(
    ('damage', 'name'),
    [
        (flip, 'labels/images/deep/1.png'),
        (Path.unlink, 'manifest.json'),
        often(cut, 'labels/images/deep/1.png'),
        often(Path.unlink, 'confident/images/deep/0.png'),
        often(flip, 'files.json'),
    ],
)
def test_train_makes_a_damaged_round_again(
    training: Training,
    undisturbed: Callable[[], Reference],
    damage: Callable[[Path], None],
    name: str,
) -> None:
    """The checkpoint after the fourth step is of round 2."""
    assert training.go(fault=Fault('checkpointing', 16)).statuses == [-9]
    damage(training.store.folder(2) / name)
    done = training.go()
    assert done.statuses == [0], done.text
    assert f'such as {name}' in done.text
    assert training.store.damaged(2) == []
    # It is made by the teacher of the checkpoint, a step older.
    left = undisturbed().differences(training)
    assert all(line.endswith('differs') for line in left)


def test_train_resumes_beside_an_outdated_checkpoint(
    training: Training, undisturbed: Callable[[], Reference]
) -> None:
    assert training.go(fault=Fault('checkpointing', 15)).statuses == [-9]
    both = {path.name for path in training.work.glob('*.pth')}
    assert both == {'iter_3.pth', 'iter_4.pth'}
    assert training.go().statuses == [0]
    assert undisturbed().differences(training) == []


@pytest.mark.parametrize('damage', [cut, flip])
def test_train_rejects_a_damaged_checkpoint(
    training: Training, damage: Callable[[Path], None]
) -> None:
    short = ('--cfg-options', 'train_cfg.max_iters=1')
    assert training.go(*short).statuses == [0]
    damage(training.work / 'iter_1.pth')
    refused = training.go()
    assert refused.statuses == [2]
    assert 'iter_1.pth is damaged or no checkpoint' in refused.text


def test_train_resumes_with_an_empty_note_of_the_latest(
    training: Training, undisturbed: Callable[[], Reference]
) -> None:
    assert training.go(fault=Fault('last_checkpoint', 4)).statuses == [-9]
    # A kill between opening and writing leaves the file empty.
    (training.work / 'last_checkpoint').write_text('')
    done = training.go()
    assert done.statuses == [0], done.text
    assert undisturbed().differences(training) == []


def test_train_resumes_after_the_clock_was_set_back(
    training: Training, undisturbed: Callable[[], Reference]
) -> None:
    assert training.go(fault=Fault('checkpointing', 16)).statuses == [-9]
    # The clock was set back: every file lies in the future.
    for path in training.folder.rglob('*'):
        os.utime(path, (4e9, 4e9))
    assert training.go().statuses == [0]
    assert undisturbed().differences(training) == []


def test_train_rejects_a_work_dir_in_use(training: Training) -> None:
    lock = lock_folder(training.work, '')
    refused = training.go()
    lock.release()
    assert refused.statuses == [2]
    assert f'{training.work} is in use by another run' in refused.text
    assert not training.store.root.exists()
