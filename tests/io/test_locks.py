"""Locks of folders, also on disks without locks."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import filelock
import pytest
from mmengine.utils import digit_version

from mmseg_sesam.io.locks import lock_folder

knows_errors = pytest.mark.skipif(
    digit_version(filelock.__version__) < digit_version('3.24'),
    reason='filelock takes a disk without locks for a locked one',
)


def fail_to_lock(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Lets the system refuse every lock, as some network disks do."""

    def refuse(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, 'flock', refuse)


def test_lock_folder_names_the_remedy_alone_where_disks_lock(
    tmp_path: Path,
) -> None:
    with lock_folder(tmp_path, ''), pytest.raises(ValueError) as error:
        lock_folder(tmp_path, 'wait for its end')
    assert str(error.value).endswith('by another run; wait for its end.')


@knows_errors
@pytest.mark.filterwarnings('ignore:flock not supported')
def test_lock_folder_names_a_file_that_a_killed_run_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_lock(monkeypatch, errno.ENOSYS)
    with (
        lock_folder(tmp_path, ''),
        pytest.raises(
            ValueError, match=f'wait, or remove {tmp_path / ".lock"} if'
        ),
    ):
        lock_folder(tmp_path, 'wait')


@knows_errors
def test_lock_folder_on_a_disk_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_lock(monkeypatch, errno.ENOLCK)
    with pytest.raises(
        OSError, match=f'{tmp_path} cannot be locked.*No locks'
    ):
        lock_folder(tmp_path, '')
