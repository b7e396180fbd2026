"""Rounds of pseudo-labels on a real disk."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from mmseg_sesam.io.labels import write_label
from mmseg_sesam.store.store import (
    CONFIDENT,
    LABELS,
    RECORDS,
    PseudoLabelStore,
    sample_key,
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
        store.stage(number, key, {LABELS: label(number)}, [], {})


class TestKeys:
    @pytest.mark.parametrize(
        'path, key',
        [
            ('data/images/a.jpg', 'images/a'),
            ('data/images/town/a.v1.jpg', 'images/town/a.v1'),
            ('data/./images/../images/a.jpg', 'images/a'),
            ('data/..hidden/a.jpg', '..hidden/a'),
            ('data/a', 'a'),
        ],
    )
    def test_are_paths_below_the_data_root(self, path: str, key: str) -> None:
        assert sample_key(path, 'data') == key
        assert sample_key(path, 'data/') == key
        assert sample_key(os.path.abspath(path), 'data') == key

    @pytest.mark.parametrize(
        'path', ['a.jpg', '../a.jpg', 'data/../a.jpg', 'data2/a.jpg', '/a.jpg']
    )
    def test_images_outside_of_the_data_root(self, path: str) -> None:
        with pytest.raises(
            ValueError, match=f"{path} lies outside of data_root='data'; set"
        ):
            sample_key(path, 'data')

    def test_equal_names_in_different_folders_do_not_collide(
        self, store: PseudoLabelStore
    ) -> None:
        paths = ['data/x/a.jpg', 'data/y/a.jpg', 'data/a.jpg', 'data/x_a.jpg']
        keys = [sample_key(path, 'data') for path in paths]
        store.begin(0, {})
        for index, key in enumerate(keys):
            records = [dict(index=index)]
            store.stage(0, key, {LABELS: label(index)}, records, {})
        store.commit(0, {})

        for index, key in enumerate(keys):
            np.testing.assert_array_equal(store.read(key, 0), label(index))
        assert len(list(store.folder(0).rglob('*.json'))) == 2 + len(keys)


class TestFiles:
    @settings(max_examples=50, deadline=None, derandomize=True)
    @given(
        arrays(
            np.uint8,
            array_shapes(min_dims=2, max_dims=2, max_side=9),
            elements=st.sampled_from([0, 1, 3, 15, 16, 200, 254, 255]),
        ),
        st.one_of(
            st.none(), st.sampled_from([0, 1, 2, 4, 5, 16, 17, 21, 150, 256])
        ),
    )
    def test_all_ids_come_back_whatever_the_palette(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        ids: np.ndarray,
        colours: int | None,
    ) -> None:
        path = tmp_path_factory.getbasetemp() / 'label.png'
        palette = None
        if colours is not None:
            palette = [[index, 255 - index, 7] for index in range(colours)]
        write_label(path, ids, palette)

        with Image.open(path) as image:
            again = np.array(image)
            assert image.mode == ('P' if palette else 'L')
            assert (image.getpalette() or [])[: 3 * (colours or 0)] == sum(
                palette or [], []
            )
        assert again.dtype == np.uint8
        np.testing.assert_array_equal(again, ids)

    def test_a_view_of_a_label_can_be_written(self, tmp_path: Path) -> None:
        ids = np.arange(24, dtype=np.uint8).reshape(4, 6)[::-1, ::2]
        write_label(tmp_path / 'a.png', ids)

        np.testing.assert_array_equal(
            np.array(Image.open(tmp_path / 'a.png')), ids
        )

    def test_a_map_that_is_not_there(self, store: PseudoLabelStore) -> None:
        stage(store, 0, 'a')
        store.commit(0, {})
        path = store.folder(0) / CONFIDENT / 'a.png'

        with pytest.raises(
            FileNotFoundError,
            match=f'{path} is missing from .*generate_pseudo_labels.py',
        ):
            store.read('a', 0, CONFIDENT)

    @pytest.mark.parametrize('damage', ['empty', 'cut', 'broken chunk'])
    def test_a_damaged_map(self, store: PseudoLabelStore, damage: str) -> None:
        store.begin(0, {})
        # Large enough for the file to hold several chunks of data.
        noise = np.random.default_rng(0).integers(0, 9, (500, 500), np.uint8)
        store.stage(0, 'a', {LABELS: noise}, [], {})
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


class TestRounds:
    def test_nothing_is_published_at_first(
        self, store: PseudoLabelStore
    ) -> None:
        assert store.current is None
        assert store.manifest(0) is None
        assert not store.root.exists()

    def test_a_round_is_seen_when_it_is_complete(
        self, store: PseudoLabelStore
    ) -> None:
        stage(store, 0, 'x/a', 'b')
        maps = {LABELS: label(0), CONFIDENT: label(9)}
        store.stage(0, 'b', maps, [dict(area=3), dict(area=4)], {})
        assert store.current is None
        assert not store.folder(0).exists()

        store.commit(0, dict(settings=dict(seed=1)))

        assert store.current == 0
        assert store.manifest(0)['settings'] == dict(seed=1)
        files = json.loads((store.folder(0) / 'files.json').read_text())
        assert files['b']['shape'] == [4, 6]
        assert files['b']['components'] == 2
        assert sorted(files['b']['files']) == [
            'confident/b.png',
            'labels/b.png',
            'masks/b.npz',
            'records/b.json',
        ]
        for key in ('x/a', 'b'):
            np.testing.assert_array_equal(store.read(key, 0), label(0))
        np.testing.assert_array_equal(store.read('b', 0, CONFIDENT), label(9))
        records = store.folder(0) / RECORDS / 'b.json'
        assert records.read_text() == '[{"area": 3}, {"area": 4}]'
        assert not store.staging(0).exists()

    def test_a_new_round_leaves_earlier_ones(
        self, store: PseudoLabelStore
    ) -> None:
        for number in range(3):
            stage(store, number, 'a')
            store.commit(number, dict(round=number))

        assert store.current == 2
        for number in range(3):
            assert store.manifest(number)['round'] == number
            np.testing.assert_array_equal(
                store.read('a', number), label(number)
            )

    def test_beginning_again_drops_what_was_staged(
        self, store: PseudoLabelStore
    ) -> None:
        stage(store, 0, 'a', 'b')
        stage(store, 0, 'a')
        store.commit(0, {})

        store.read('a', 0)
        with pytest.raises(FileNotFoundError):
            store.read('b', 0)

    def test_another_runs_round_of_the_same_number_is_kept_aside(
        self, store: PseudoLabelStore
    ) -> None:
        for content in (5, 6, 7):
            store.begin(1, dict(content=content))
            store.stage(1, 'a', {LABELS: label(content)}, [], {})
            store.commit(1, dict(identity=content, work_dir=str(content)))

        assert store.manifest(1)['identity'] == 7
        assert sorted(p.name for p in store.root.glob('round_*')) == [
            'round_0001',
            'round_0001.old1',
            'round_0001.old2',
        ]
        for aside, content in (('old1', 5), ('old2', 6)):
            path = store.root / f'round_0001.{aside}' / LABELS / 'a.png'
            np.testing.assert_array_equal(
                np.array(Image.open(path)), label(content)
            )

    @pytest.mark.parametrize(
        ('number', 'before', 'replaced'),
        [
            (1, dict(identity='this', work_dir='that'), True),
            (1, dict(identity='that', work_dir='this'), True),
            (0, dict(identity='this', work_dir='that'), True),
            # People go back to their settings.
            (0, dict(identity='that', work_dir='this'), False),
            (1, dict(identity='that', work_dir='that'), False),
            (1, {}, False),
        ],
    )
    def test_the_same_round_is_replaced(
        self, store: PseudoLabelStore, number: int, before: dict, replaced
    ) -> None:
        for manifest in (before, dict(identity='this', work_dir='this')):
            stage(store, number, 'a')
            store.commit(number, manifest)

        folders = [path.name for path in store.root.glob('round_*')]
        assert len(folders) == (1 if replaced else 2)
        assert store.manifest(number)['identity'] == 'this'
        assert not list((store.root / '.staging').iterdir())

    def test_a_file_that_was_not_written_as_it_should_be(
        self, store: PseudoLabelStore
    ) -> None:
        stage(store, 0, 'a')
        (store.staging(0) / LABELS / 'a.png').write_bytes(b'other')
        with pytest.raises(OSError, match='a.png is not as it was written'):
            store.commit(0, {})
        assert store.current is None and store.rounds() == []

    def test_an_earlier_round_can_be_published_again(
        self, store: PseudoLabelStore
    ) -> None:
        for number in range(2):
            stage(store, number, 'a')
            store.commit(number, {})
        before = sorted(store.root.rglob('*'))

        for _ in range(2):
            store.publish(0)
            assert store.current == 0
            assert PseudoLabelStore(store.root).current == 0
        assert sorted(store.root.rglob('*')) == before

    def test_an_incomplete_round_is_not_published(
        self, store: PseudoLabelStore
    ) -> None:
        stage(store, 0, 'a')
        store.commit(0, {})
        stage(store, 1, 'a')
        # As a copy that was broken off leaves it.
        store.folder(2).mkdir()

        for number in (1, 2, 3):
            with pytest.raises(
                FileNotFoundError,
                match=f'{store.folder(number)} holds no complete round .* '
                'restore',
            ):
                store.publish(number)
        assert store.current == 0

    def test_readers_never_see_half_a_number(
        self, store: PseudoLabelStore
    ) -> None:
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


class TestUpkeep:
    def test_one_run_at_a_time(self, store: PseudoLabelStore) -> None:
        lock = store.lock()
        with pytest.raises(ValueError, match='in use by another run; wait'):
            PseudoLabelStore(store.root).lock()
        with lock:
            pass
        PseudoLabelStore(store.root).lock().release()

    def test_damaged_files_are_named(self, store: PseudoLabelStore) -> None:
        stage(store, 0, 'a', 'x/b')
        store.commit(0, {})
        assert store.damaged(0) == []
        flipped = store.folder(0) / LABELS / 'x' / 'b.png'
        content = bytearray(flipped.read_bytes())
        content[-1] ^= 1
        flipped.write_bytes(content)
        (store.folder(0) / RECORDS / 'a.json').unlink()
        assert store.damaged(0) == ['records/a.json', 'labels/x/b.png']

    def test_a_round_that_was_removed_is_not_there(
        self, store: PseudoLabelStore
    ) -> None:
        for number in range(2):
            stage(store, number, 'a')
            store.commit(number, {})
        store.remove(0)
        assert store.manifest(0) is None and not store.folder(0).exists()
        store.read('a', 1)

    @pytest.mark.parametrize('name', ['files.json', 'manifest.json'])
    @pytest.mark.parametrize('content', [None, b'', b'{}', b'\xff', b'[1]'])
    def test_a_round_whose_lists_are_damaged(
        self, store: PseudoLabelStore, name: str, content: bytes | None
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
    def test_a_damaged_number_of_the_round_is_told(
        self, store: PseudoLabelStore, content: str
    ) -> None:
        stage(store, 0, 'a')
        store.commit(0, {})
        (store.root / 'CURRENT').write_text(content)
        with pytest.raises(ValueError, match=r'one of \[0\]: write the newes'):
            _ = store.current

    def test_what_a_kill_left_goes_when_the_next_run_begins(
        self, store: PseudoLabelStore
    ) -> None:
        stage(store, 0, 'a')
        store.commit(0, {})
        before = sorted(p for p in store.root.rglob('*') if p.name != '.lock')
        (store.root / '.staging/removed_0007/labels').mkdir(parents=True)
        (store.root / '.CURRENT.0.part').write_text('0')
        (store.folder(0) / 'journal.1.jsonl').write_text('{}')
        (store.folder(0) / 'identity.json').write_text('{}')
        store.lock().release()
        after = sorted(p for p in store.root.rglob('*') if p.name != '.lock')
        assert after == before
