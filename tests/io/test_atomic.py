"""Files that are replaced whole, by real processes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Callable

import pytest

from mmseg_sesam.io.atomic import PARTS, remove_parts, replacing


def test_replacing_shows_the_old_file_until_the_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'file.txt'
    path.write_text('old')
    with replacing(path) as part:
        part.write_text('ne')
        assert path.read_text() == 'old'
        part.write_text('new')
    assert path.read_text() == 'new'
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_leaves_the_old_file_after_an_error(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'file.txt'
    path.write_text('old')
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text('ne')
        raise KeyboardInterrupt
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_keeps_default_permissions(tmp_path: Path) -> None:
    (tmp_path / 'other').touch()
    with replacing(tmp_path / 'file', sync=True) as part:
        part.touch()
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize(
    'name', [b'a' * 255, 'ä'.encode() * 127, b'caf\xe9.jpg']
)
def test_replacing_with_any_name(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    with replacing(path) as part:
        part.write_text('whole')
    assert os.listdir(os.fsencode(tmp_path)) == [name]


def test_replacing_by_processes_of_one_pid(
    tmp_path: Path, run_with_one_pid: Callable[..., None]
) -> None:
    def write() -> None:
        for _ in range(200):
            with replacing(tmp_path / 'file') as part:
                part.write_text('whole')

    run_with_one_pid(write)
    assert [p.name for p in tmp_path.iterdir()] == ['file']


def test_remove_parts_of_killed_processes(tmp_path: Path) -> None:
    for name in ('.a.png.0.part', 'a.part', '.lock'):
        (tmp_path / name).touch()
    remove_parts(tmp_path.glob(PARTS), older_than=100)
    assert len(list(tmp_path.iterdir())) == 3
    remove_parts(tmp_path.glob(PARTS))
    assert sorted(p.name for p in tmp_path.iterdir()) == ['.lock', 'a.part']
