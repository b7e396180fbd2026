"""Notes on an unfinished round, on a real disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmseg_sesam.store.journal import Journal, damaged


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / 'staging')
    journal.open(dict(seed=0))
    return journal


def put(journal: Journal, key: str, content: str = 'content') -> Path:
    path = journal.folder / f'{key}.png'
    path.write_text(content)
    journal.note(key, [path], dict(shape=[4, 6], components=1, counts=[1, 2]))
    return path


def test_what_is_noted_is_kept_for_the_same_round(journal: Journal) -> None:
    put(journal, 'a')
    put(journal, 'b')
    again = Journal(journal.folder)
    again.open(dict(seed=0))
    assert list(again.read()) == ['a', 'b']
    assert again.read()['a']['counts'] == [1, 2]


def test_nothing_is_kept_for_another_round(journal: Journal) -> None:
    path = put(journal, 'a')
    journal.open(dict(seed=1))
    assert journal.read() == {}
    assert not path.exists()


@pytest.mark.parametrize('damage', ['cut', 'gone', 'other'])
def test_a_file_that_changed_is_not_proven(
    journal: Journal, damage: str
) -> None:
    path = put(journal, 'a')
    put(journal, 'b')
    if damage == 'gone':
        path.unlink()
    else:
        path.write_text(dict(cut='conten', other='contenT')[damage])
    assert damaged(journal.folder, journal.read()['a']['files']) == ['a.png']
    journal.open(dict(seed=0))
    assert list(journal.read()) == ['b']


def test_a_line_cut_off_by_a_kill_is_no_note(journal: Journal) -> None:
    put(journal, 'a')
    put(journal, 'b')
    (path,) = journal.folder.glob('journal.*')
    path.write_text(path.read_text()[:-9])
    assert list(journal.read()) == ['a']
    # What is noted next is not swallowed by it.
    put(journal, 'c')
    assert list(journal.read()) == ['a', 'c']


@pytest.mark.parametrize('line', [b'{"key": "c"}', b'\xff\xfe', 64 * b'0'])
def test_what_is_no_note_is_passed_over(journal: Journal, line: bytes) -> None:
    put(journal, 'a')
    (path,) = journal.folder.glob('journal.*')
    path.write_bytes(line + b'\n' + path.read_bytes() + line)
    assert list(journal.read()) == ['a']


def test_a_note_that_changed_is_none(journal: Journal) -> None:
    put(journal, 'a')
    put(journal, 'b')
    (path,) = journal.folder.glob('journal.*')
    noted = path.read_text()
    path.write_text(noted.replace('[1, 2]', '[1, 3]', 1))
    assert noted != path.read_text()
    assert list(journal.read()) == ['b']


def test_a_kill_while_notes_are_gathered_loses_none(journal: Journal) -> None:
    put(journal, 'a')
    (path,) = journal.folder.glob('journal.*')
    # A second rank's, and what was gathered before the kill.
    put(journal, 'b')
    content = path.read_bytes()
    path.with_name('journal.1.jsonl').write_bytes(content)
    (journal.folder / '.journal.0.jsonl.0.part').write_bytes(content[:20])
    journal.open(dict(seed=0))
    assert list(journal.read()) == ['a', 'b']
    assert [p.name for p in journal.folder.glob('*.jsonl')] == [path.name]
    journal.clear()
    assert not list(journal.folder.glob('.*'))


def test_clearing_leaves_the_files_alone(journal: Journal) -> None:
    put(journal, 'a')
    journal.clear()
    assert [p.name for p in journal.folder.iterdir()] == ['a.png']
