"""Rounds of pseudo-labels on a real disk."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from mmseg_sesam.io.names import sample_key
from mmseg_sesam.store.store import (
    CONFIDENT,
    LABELS,
    RECORDS,
    PseudoLabelStore,
)


@pytest.fixture
def store(tmp_path: Path) -> PseudoLabelStore:
    return PseudoLabelStore(tmp_path / 'deep' / 'store')


def label(class_id: int) -> np.ndarray:
    label = np.full((4, 6), 255, np.uint8)
    label[1:3] = class_id
    return label


def stage(store: PseudoLabelStore, number: int, *keys: str) -> None:
    """Stages maps of class `number` for each image."""
    store.begin(number, dict(keys=keys))
    for key in keys:
        store.stage(number, key, {LABELS: label(number)}, [])


def test_stage_equal_names_in_different_folders(
    store: PseudoLabelStore,
) -> None:
    paths = ['data/x/a.jpg', 'data/y/.a.jpg', 'data/a.jpg', 'data/x_a.jpg']
    keys = [sample_key(path, 'data') for path in paths]
    store.begin(0, {})
    for index, key in enumerate(keys):
        store.stage(0, key, {LABELS: label(index)}, [dict(index=index)])
    assert sorted(store.staged(0)) == sorted(keys)
    store.commit(0, {})

    for index, key in enumerate(keys):
        np.testing.assert_array_equal(store.read(key, 0), label(index))
        record = store.record(key, 0)
        assert record['components'] == [dict(index=index)]


@pytest.mark.parametrize(
    ('number', 'remedy'), [(0, 'generate_pseudo_labels.py'), (1, '--resume')]
)
def test_read_missing_map(
    store: PseudoLabelStore, number: int, remedy: str
) -> None:
    stage(store, number, 'a')
    store.commit(number, {})
    path = store.folder(number) / CONFIDENT / 'a.png'

    with pytest.raises(
        FileNotFoundError, match=f'{path} is missing from .*{remedy}'
    ):
        store.read('a', number, CONFIDENT)


@pytest.mark.parametrize('damage', ['empty', 'cut', 'broken chunk'])
def test_read_damaged_map(store: PseudoLabelStore, damage: str) -> None:
    store.begin(0, {})
    # Large enough for the file to hold several chunks of data.
    noise = np.random.default_rng(0).integers(0, 9, (500, 500), np.uint8)
    store.stage(0, 'a', {LABELS: noise}, [])
    store.commit(0, {})
    path = store.folder(0) / LABELS / 'a.png'
    content = path.read_bytes()
    first, rest = content.split(b'IDAT', 1)
    assert b'IDAT' in rest
    damaged = {
        'empty': b'',
        'cut': content[:1000],
        'broken chunk': first + b'IDAT' + rest.replace(b'IDAT', b'ID\0\0'),
    }
    path.write_bytes(damaged[damage])

    with pytest.raises(
        ValueError, match=f'{path} cannot be read .* make the round'
    ):
        store.read('a', 0)


def test_commit_makes_a_complete_round_visible(
    store: PseudoLabelStore,
) -> None:
    stage(store, 0, 'x/a', 'b')
    maps = {LABELS: label(0), CONFIDENT: label(9)}
    store.stage(0, 'b', maps, [dict(area=3), dict(area=4)], [7])
    assert store.current is None
    assert not store.folder(0).exists()

    store.commit(0, dict(settings=dict(seed=1)))

    assert store.current == 0
    assert store.manifest(0)['settings'] == dict(seed=1)
    record = store.record('b', 0)
    assert sorted(record['files']) == ['confident/b.png', 'labels/b.png']
    assert record['shape'] == [4, 6] and record['counts'] == [7]
    assert record['components'] == [dict(area=3), dict(area=4)]
    for key in ('x/a', 'b'):
        np.testing.assert_array_equal(store.read(key, 0), label(0))
    np.testing.assert_array_equal(store.read('b', 0, CONFIDENT), label(9))
    assert not any((store.root / '.staging').iterdir())


def test_commit_replaces_a_round_of_the_same_number(
    store: PseudoLabelStore,
) -> None:
    for content in (5, 6):
        store.begin(1, dict(content=content))
        store.stage(1, 'a', {LABELS: label(content)}, [])
        store.commit(1, dict(identity=content))

    assert [path.name for path in store.root.glob('round_*')] == ['round_0001']
    assert store.manifest(1)['identity'] == 6
    assert not any((store.root / '.staging').iterdir())


@pytest.mark.parametrize('damage', ['file', 'record', 'no record'])
def test_begin_keeps_the_whole_images_of_an_interrupted_round(
    store: PseudoLabelStore, damage: str
) -> None:
    stage(store, 0, 'a')
    store.stage(0, 'x/b', {LABELS: label(0)}, [dict(area=3)], [7, 1])
    if damage == 'file':
        (store.staging(0) / LABELS / 'a.png').write_bytes(b'other')
    elif damage == 'record':
        path = store.staging(0) / RECORDS / 'a.json'
        path.write_bytes(path.read_bytes()[:-5])
    else:
        (store.staging(0) / RECORDS / 'a.json').unlink()
    store.begin(0, dict(keys=('a',)))
    assert store.staged(0) == {'x/b': [7, 1]}


def test_take_over_first_leaves_the_source_as_it_is(
    store: PseudoLabelStore, tmp_path: Path
) -> None:
    source = PseudoLabelStore(tmp_path / 'source')
    stage(source, 0, 'a', 'x/b')
    source.commit(0, dict(seed=1))
    files = {
        p: p.read_bytes() for p in source.root.rglob('*.*') if p.is_file()
    }

    store.take_over_first(source)
    (store.folder(0) / LABELS / 'a.png').write_bytes(b'')

    assert store.current == 0 and store.manifest(0)['seed'] == 1
    assert store.damaged(0) == ['labels/a.png']
    assert {
        p: p.read_bytes() for p in source.root.rglob('*.*') if p.is_file()
    } == files


def test_current_is_none_at_first(store: PseudoLabelStore) -> None:
    assert store.current is None
    assert store.manifest(0) is None
    assert not store.root.exists()


def test_commit_leaves_earlier_rounds(store: PseudoLabelStore) -> None:
    for number in range(3):
        stage(store, number, 'a')
        store.commit(number, dict(round=number))

    assert store.current == 2
    for number in range(3):
        assert store.manifest(number)['round'] == number
        np.testing.assert_array_equal(store.read('a', number), label(number))


def test_begin_drops_images_of_another_round(store: PseudoLabelStore) -> None:
    stage(store, 0, 'a', 'b')
    stage(store, 0, 'a')
    store.commit(0, {})

    store.read('a', 0)
    with pytest.raises(FileNotFoundError):
        store.read('b', 0)


def test_begin_stops_at_images_that_cannot_be_removed(
    store: PseudoLabelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(store, 0, 'a', 'b')

    def refuse(path: str, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    for _ in range(2):
        with monkeypatch.context() as disk:
            disk.setattr(os, 'unlink', refuse)
            with pytest.raises(PermissionError):
                store.begin(0, dict(keys=('a',)))
    store.begin(0, dict(keys=('a',)))
    assert store.staged(0) == {}


def test_publish_earlier_round_again(store: PseudoLabelStore) -> None:
    for number in range(2):
        stage(store, number, 'a')
        store.commit(number, {})
    before = sorted(store.root.rglob('*'))

    for _ in range(2):
        store.publish(0)
        assert store.current == 0
        assert PseudoLabelStore(store.root).current == 0
    assert sorted(store.root.rglob('*')) == before


def test_publish_refuses_incomplete_round(store: PseudoLabelStore) -> None:
    stage(store, 0, 'a')
    store.commit(0, {})
    stage(store, 1, 'a')
    # As a copy that was broken off leaves it.
    store.folder(2).mkdir()

    for number in (1, 2, 3):
        with pytest.raises(
            FileNotFoundError,
            match=f'{store.folder(number)} holds no complete round .* restore',
        ):
            store.publish(number)
    assert store.current == 0


def test_current_is_never_half_written(store: PseudoLabelStore) -> None:
    for number in (7, 123):
        stage(store, number, 'a')
        store.commit(number, {})
    seen, failures, done = set(), [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            try:
                seen.add(store.current)
            except ValueError as error:
                failures.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in (7, 123) * 20:
        store.publish(number)
    done.set()
    watcher.join()

    assert not failures
    assert seen <= {7, 123}
    assert store.current == 123


def test_lock_is_exclusive(store: PseudoLabelStore) -> None:
    lock = store.lock()
    with pytest.raises(ValueError, match='in use by another run; wait'):
        PseudoLabelStore(store.root).lock()
    with lock:
        pass
    PseudoLabelStore(store.root).lock().release()


def test_remove_round(store: PseudoLabelStore) -> None:
    for number in range(2):
        stage(store, number, 'a')
        store.commit(number, {})
    store.remove(0)
    assert store.manifest(0) is None and not store.folder(0).exists()
    store.read('a', 1)


@pytest.mark.parametrize('name', ['files.json', 'manifest.json'])
@pytest.mark.parametrize('content', [None, b'', b'{}', b'\xff', b'[1]'])
def test_damaged_lists_of_files(
    store: PseudoLabelStore, name: str, content: bytes | None
) -> None:
    stage(store, 0, 'a')
    store.commit(0, {})
    path = store.folder(0) / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    # An empty manifest proves nothing of the list of files.
    empty = name == 'manifest.json' and content == b'{}'
    assert store.damaged(0) == ['files.json' if empty else name]


@pytest.mark.parametrize('content', ['', 'x', '-1', '0x1', '1 2'])
def test_current_refuses_damaged_number(
    store: PseudoLabelStore, content: str
) -> None:
    stage(store, 0, 'a')
    store.commit(0, {})
    (store.root / 'CURRENT').write_text(content)
    with pytest.raises(ValueError, match=r'one of \[0\]: write the newes'):
        _ = store.current


def test_current_takes_a_number_that_a_shell_wrote(
    store: PseudoLabelStore,
) -> None:
    stage(store, 0, 'a')
    store.commit(0, {})
    (store.root / 'CURRENT').write_bytes(b'0\n')
    assert store.current == 0


def test_damaged_names_files(store: PseudoLabelStore) -> None:
    stage(store, 0, 'a', 'c', 'x/b')
    store.commit(0, {})
    assert store.damaged(0) == []
    flipped = store.folder(0) / LABELS / 'x' / 'b.png'
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)
    (store.folder(0) / RECORDS / 'a.json').unlink()
    (store.folder(0) / LABELS / 'c.png').unlink()
    assert store.damaged(0) == [
        'labels/c.png',
        'labels/x/b.png',
        'records/a.json',
    ]


def test_lock_removes_what_a_kill_left(store: PseudoLabelStore) -> None:
    stage(store, 0, 'a')
    store.commit(0, {})
    before = sorted(p for p in store.root.rglob('*') if p.name != '.lock')
    staging = store.root / '.staging'
    (staging / 'temporary_0007/labels').mkdir(parents=True)
    (staging / 'round_0000.json').write_text('{}')
    (staging / '.round_0000.json.0.part').write_text('{')
    (store.root / '.CURRENT.0.part').write_text('0')
    store.lock().release()
    after = sorted(p for p in store.root.rglob('*') if p.name != '.lock')
    assert after == before
