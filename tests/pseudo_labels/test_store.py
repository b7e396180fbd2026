"""Rounds of pseudo-labels on a real disk."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from mmseg_sesam.pseudo_labels.store import (
    CONFIDENT,
    LABELS,
    RECORDS,
    PseudoLabelStore,
    sample_key,
    write_label,
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
        assert store.manifest(0) == dict(settings=dict(seed=1))
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
            assert store.manifest(number) == dict(round=number)
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

    def test_a_round_of_the_same_number_is_kept_aside(
        self, store: PseudoLabelStore
    ) -> None:
        for content in (5, 6, 7):
            store.begin(1, dict(content=content))
            store.stage(1, 'a', {LABELS: label(content)}, [], {})
            store.commit(1, dict(content=content))

        assert store.manifest(1) == dict(content=7)
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
        lock.release()
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

    def test_a_round_without_its_list_of_files_is_damaged(
        self, store: PseudoLabelStore
    ) -> None:
        stage(store, 0, 'a')
        store.commit(0, {})
        (store.folder(0) / 'files.json').unlink()
        assert store.damaged(0) == ['files.json']
