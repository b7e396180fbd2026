"""Records of images on a real disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmseg_sesam.store.records import (
    checksum,
    damaged_files,
    read_record,
    write_record,
)

RECORD = dict(
    files={'labels/a.png': '0' * 64},
    shape=[4, 6],
    counts=[1, 2],
    components=[dict(class_id=1, score=float('inf'))],
)


def test_read_record_returns_what_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / 'a.json', RECORD)
    assert read_record(tmp_path / 'a.json') == RECORD
    assert [path.name for path in tmp_path.iterdir()] == ['a.json']


@pytest.mark.parametrize(
    'damage',
    [
        lambda content: content[:-9],
        lambda content: b'',
        lambda content: content.replace(b'[1, 2]', b'[1, 3]'),
        lambda content: b'{"record": {}}',
        lambda content: b'[]',
        lambda content: b'\xff\xfe',
    ],
    ids=['cut', 'empty', 'changed', 'no checksum', 'list', 'no text'],
)
def test_read_record_refuses_damaged_record(tmp_path: Path, damage) -> None:
    path = tmp_path / 'a.json'
    write_record(path, RECORD)
    path.write_bytes(damage(path.read_bytes()))
    assert read_record(path) is None


def test_read_record_missing(tmp_path: Path) -> None:
    assert read_record(tmp_path / 'a.json') is None


def test_damaged_files_are_those_that_differ(tmp_path: Path) -> None:
    for name in ('same', 'cut', 'other', 'gone'):
        (tmp_path / name).write_text('content')
    files = {path.name: checksum(path) for path in tmp_path.iterdir()}
    (tmp_path / 'cut').write_text('conten')
    (tmp_path / 'other').write_text('contenT')
    (tmp_path / 'gone').unlink()
    assert sorted(damaged_files(tmp_path, files)) == ['cut', 'gone', 'other']
