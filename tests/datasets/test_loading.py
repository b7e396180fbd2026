"""Loading weak labels and pseudo-labels from real files."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import (
    Compose,
    RepeatDataset,
    pseudo_collate,
)
from mmseg.datasets import ADE20KDataset, BaseSegDataset
from PIL import Image
from torch.utils.data import DataLoader

from mmseg_sesam.datasets import LoadPseudoLabel
from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.store.store import CONFIDENT, LABELS, PseudoLabelStore

LOAD_IMAGE = dict(type='LoadImageFromFile')
LOAD_WEAK = dict(type='LoadWeakAnnotations', num_classes=3)


def load_weak(results: dict, **options) -> np.ndarray:
    load = dict(LOAD_WEAK, **options)
    return Compose([LOAD_IMAGE, load])(results)['gt_seg_map']


def label_of(results: dict) -> np.ndarray:
    return np.array(Image.open(results['seg_map_path']))


class TestLoadWeakAnnotations:
    def test_reads_ids_of_the_file(self, results: dict) -> None:
        loaded = Compose([LOAD_IMAGE, LOAD_WEAK])(results)

        assert loaded['gt_seg_map'].dtype == np.uint8
        np.testing.assert_array_equal(loaded['gt_seg_map'], label_of(results))
        assert loaded['seg_fields'] == ['gt_seg_map']
        ids = set(np.unique(label_of(results))) - {255}
        assert loaded['weak_classes'] == sorted(ids)

    def test_reads_a_palette(self, results: dict) -> None:
        label = label_of(results)
        image = Image.fromarray(label)
        image.putpalette(np.arange(768).astype(np.uint8).tobytes())
        image.save(results['seg_map_path'])

        assert Image.open(results['seg_map_path']).mode == 'P'
        np.testing.assert_array_equal(load_weak(results), label)

    @pytest.mark.parametrize('reduce_zero_label', [False, True])
    @pytest.mark.parametrize('label_map', [None, {0: 2, 1: 0, 2: 255}])
    def test_reads_like_the_stock_transform(
        self, results: dict, reduce_zero_label: bool, label_map: dict | None
    ) -> None:
        results.update(
            reduce_zero_label=reduce_zero_label, label_map=label_map
        )
        stock = Compose([LOAD_IMAGE, dict(type='LoadAnnotations')])
        expected = stock(dict(results, seg_fields=[]))['gt_seg_map']

        label = load_weak(results)

        assert label.dtype == np.uint8
        np.testing.assert_array_equal(label, expected)

    def ade20k(self, root: Path, num_classes: int, **options) -> np.ndarray:
        label = np.zeros((40, 56), np.uint8)
        label[:8], label[8:16], label[16:24], label[24:] = 1, 2, 150, 255
        label[:, :9] = 0
        Image.fromarray(label).save(root / 'labels/town/a.png')
        dataset = ADE20KDataset(
            data_root=str(root),
            data_prefix=dict(img_path='images', seg_map_path='labels'),
            img_suffix='.png',
            pipeline=[LOAD_IMAGE, dict(LOAD_WEAK, num_classes=num_classes)],
            **options,
        )
        return dataset[0]['gt_seg_map'][::8, [0, 9]]

    def test_reads_zero_as_unlabelled_in_ade20k(self, root: Path) -> None:
        ids = self.ade20k(root, num_classes=150)

        assert (ids[:, 0] == 255).all()
        assert ids[:, 1].tolist() == [0, 1, 149, 255, 255]

    def test_refuses_other_reduce_zero_label_than_the_data_set(
        self, results: dict
    ) -> None:
        with pytest.raises(
            ValueError, match='reduce_zero_label=True and the data .* False'
        ):
            load_weak(results, reduce_zero_label=True)

    def test_renumbers_chosen_classes(self, root: Path) -> None:
        classes = dict(classes=('flag', 'building'))
        ids = self.ade20k(root, num_classes=2, metainfo=classes)

        assert (ids[:, 0] == 255).all()
        assert ids[:, 1].tolist() == [255, 1, 0, 255, 255]

    def test_another_ignore_index(self, results: dict) -> None:
        label = label_of(results)
        label[label == 255] = 7
        Image.fromarray(label).save(results['seg_map_path'])

        np.testing.assert_array_equal(
            load_weak(results, ignore_index=7), label
        )
        with pytest.raises(ValueError, match=r'ids \[7\].* or 255'):
            load_weak(dict(results, seg_fields=[]))

    @pytest.mark.parametrize(
        'array, found, remedy',
        [
            (np.zeros((40, 56, 3), np.uint8), 'uint8 .*56, 3', 'colours'),
            (np.full((40, 56), 300, np.uint16), 'uint16', '16-bit values'),
            (np.full((40, 56), True), 'bool', 'one channel of uint8'),
            (
                np.full((40, 56), 3, np.uint8),
                r'class ids \[3\], expected ids below num_classes=3',
                'correct the label, or num_classes',
            ),
            (
                np.zeros((56, 40), np.uint8),
                r'\(56, 40\) and its image \(40, 56\)',
                'label the image at its own size',
            ),
        ],
        ids=['colours', '16 bits', '1 bit', 'ids', 'size'],
    )
    def test_refuses_other_images(
        self, results: dict, array: np.ndarray, found: str, remedy: str
    ) -> None:
        Image.fromarray(array).save(results['seg_map_path'])
        path = results['seg_map_path']

        with pytest.raises(ValueError, match=f'{path}.*{found}.*') as error:
            load_weak(results)
        assert remedy in str(error.value)

    @pytest.mark.parametrize('kept', [0, 20, 60])
    def test_names_a_damaged_file(self, results: dict, kept: int) -> None:
        path = Path(results['seg_map_path'])
        path.write_bytes(path.read_bytes()[:kept])

        with pytest.raises(
            ValueError, match=f'{path} cannot be read .* 8-bit PNG'
        ):
            load_weak(results)

    def test_names_a_missing_file(self, results: dict) -> None:
        path = Path(results['seg_map_path'])
        path.unlink()

        with pytest.raises(
            FileNotFoundError, match=f'{path} is missing; add it, or take'
        ):
            load_weak(results)


@pytest.fixture
def store(tmp_path: Path) -> PseudoLabelStore:
    return PseudoLabelStore(tmp_path / 'work/pseudo_labels')


def publish(store: PseudoLabelStore, number: int, **maps: np.ndarray) -> None:
    store.begin(number, {})
    store.stage(number, 'images/town/a', maps, [])
    store.commit(number, dict(round=number))


def load_pseudo(
    store: PseudoLabelStore, root: Path, **options
) -> LoadPseudoLabel:
    transform = LoadPseudoLabel(**options)
    transform.store, transform.data_root = store, str(root)
    return transform


class TestLoadPseudoLabel:
    @pytest.fixture
    def pipeline(self, store: PseudoLabelStore, root: Path) -> Compose:
        load = load_pseudo(store, root, with_confident=True)
        return Compose([LOAD_IMAGE, LOAD_WEAK, load])

    def test_labels_nothing_before_the_first_round(
        self, pipeline: Compose, results: dict
    ) -> None:
        loaded = pipeline(results)

        for name in ('pseudo_seg_map', 'confident_seg_map'):
            assert loaded[name].shape == (40, 56)
            assert loaded[name].dtype == np.uint8
            assert (loaded[name] == 255).all()
        assert loaded['pseudo_label_round'] == -1
        assert loaded['seg_fields'] == [
            'gt_seg_map',
            'pseudo_seg_map',
            'confident_seg_map',
        ]

    def test_round_0_has_no_confident_label(
        self, pipeline: Compose, store: PseudoLabelStore, results: dict
    ) -> None:
        label = label_of(results)
        publish(store, 0, labels=label)
        loaded = pipeline(results)

        np.testing.assert_array_equal(loaded['pseudo_seg_map'], label)
        assert (loaded['confident_seg_map'] == 255).all()
        assert loaded['pseudo_label_round'] == 0

    def test_later_rounds_have_a_confident_label(
        self, pipeline: Compose, store: PseudoLabelStore, results: dict
    ) -> None:
        label = label_of(results)
        publish(store, 0, labels=np.zeros_like(label))
        publish(store, 1, labels=label, confident=label[:, ::-1])
        loaded = pipeline(results)

        np.testing.assert_array_equal(loaded['pseudo_seg_map'], label)
        np.testing.assert_array_equal(
            loaded['confident_seg_map'], label[:, ::-1]
        )
        assert loaded['pseudo_label_round'] == 1

    def test_without_confident_loads_pseudo_labels_only(
        self, store: PseudoLabelStore, root: Path, results: dict
    ) -> None:
        load = load_pseudo(store, root, ignore_index=7)
        loaded = Compose([LOAD_IMAGE, LOAD_WEAK, load])(results)

        assert 'confident_seg_map' not in loaded
        assert (loaded['pseudo_seg_map'] == 7).all()

    @pytest.mark.parametrize('kind', [LABELS, CONFIDENT])
    def test_names_a_file_missing_from_a_round(
        self,
        pipeline: Compose,
        store: PseudoLabelStore,
        results: dict,
        kind: str,
    ) -> None:
        label = label_of(results)
        publish(store, 1, labels=label, confident=label)
        path = store.folder(1) / kind / 'images/town/a.png'
        path.unlink()

        with pytest.raises(
            FileNotFoundError, match=f'{path} is missing .* make the round'
        ):
            pipeline(results)

    def test_names_a_damaged_file(
        self, pipeline: Compose, store: PseudoLabelStore, results: dict
    ) -> None:
        publish(store, 0, labels=label_of(results))
        path = store.folder(0) / LABELS / 'images/town/a.png'
        path.write_bytes(path.read_bytes()[:60])

        with pytest.raises(
            ValueError, match=f'{path} cannot be read .* make the round'
        ):
            pipeline(results)

    def test_refuses_another_size_than_the_image(
        self, pipeline: Compose, store: PseudoLabelStore, results: dict
    ) -> None:
        publish(store, 0, labels=np.zeros((20, 28), np.uint8))

        with pytest.raises(ValueError) as error:
            pipeline(results)
        for part in ('a.png', '(20, 28)', '(40, 56)', 'make the pseudo'):
            assert part in str(error.value)

    def test_refuses_an_image_outside_of_the_data_root(
        self, store: PseudoLabelStore, root: Path, results: dict
    ) -> None:
        publish(store, 0, labels=label_of(results))
        load = load_pseudo(store, root / 'labels')
        with pytest.raises(ValueError, match='a.png lies outside of data_roo'):
            Compose([LOAD_IMAGE, LOAD_WEAK, load])(results)

    @pytest.mark.parametrize(
        'transform',
        [
            dict(type='RandomCrop', crop_size=(24, 24)),
            dict(type='RandomFlip', prob=0.5),
            dict(
                type='RandomFlip',
                prob=[0.3, 0.3, 0.3],
                direction=['horizontal', 'vertical', 'diagonal'],
            ),
            dict(type='Resize', scale=(91, 65), keep_ratio=True),
            dict(
                type='RandomResize',
                scale=(56, 40),
                ratio_range=(0.5, 2.0),
                keep_ratio=True,
            ),
            dict(type='RandomRotate', prob=1, degree=30),
            dict(
                type='RandomCutOut',
                prob=1,
                n_holes=3,
                cutout_shape=(9, 9),
                seg_fill_in=255,
            ),
        ],
        ids=lambda transform: transform['type'],
    )
    def test_moves_along_with_the_weak_label(
        self,
        store: PseudoLabelStore,
        root: Path,
        results: dict,
        transform: dict,
    ) -> None:
        label = label_of(results)
        publish(store, 1, labels=label, confident=label)
        load = load_pseudo(store, root, with_confident=True)
        pipeline = Compose([LOAD_IMAGE, LOAD_WEAK, load, transform])
        moved = 0
        for seed in range(4):
            np.random.seed(seed)
            random.seed(seed)
            loaded = pipeline(dict(results, seg_fields=[]))

            assert loaded['gt_seg_map'].shape == loaded['img'].shape[:2]
            for name in ('pseudo_seg_map', 'confident_seg_map'):
                np.testing.assert_array_equal(
                    loaded[name], loaded['gt_seg_map']
                )
            moved += not np.array_equal(loaded['gt_seg_map'], label)
        assert moved

    def test_workers_see_a_new_round(
        self, store: PseudoLabelStore, root: Path, results: dict
    ) -> None:
        dataset = BaseSegDataset(
            data_root=str(root),
            data_prefix=dict(img_path='images', seg_map_path='labels'),
            img_suffix='.png',
            metainfo=dict(classes=('a', 'b', 'c')),
            pipeline=[
                LOAD_IMAGE,
                LOAD_WEAK,
                dict(type='LoadPseudoLabel'),
                dict(type='PackSeSAMInputs'),
            ],
        )
        attach_store(RepeatDataset(dataset, 1), store, str(root))
        loader = DataLoader(
            dataset,
            sampler=[0, 0, 0, 0],
            num_workers=2,
            persistent_workers=True,
            collate_fn=pseudo_collate,
        )

        def rounds() -> list[int]:
            return [
                batch['data_samples'][0].pseudo_label_round for batch in loader
            ]

        assert rounds() == [-1] * 4
        weak = label_of(results)
        publish(store, 0, labels=weak)
        assert rounds() == [0] * 4
        dense = np.where(weak == 255, np.uint8(1), weak)
        publish(store, 1, labels=dense)
        assert rounds() == [1] * 4
        sample = next(iter(loader))['data_samples'][0]
        np.testing.assert_array_equal(sample.pseudo_sem_seg.data[0], dense)

    def test_spawned_workers_get_the_store(
        self, store: PseudoLabelStore, root: Path, results: dict
    ) -> None:
        publish(store, 0, labels=label_of(results))
        dataset = BaseSegDataset(
            pipeline=[LOAD_IMAGE, LOAD_WEAK, dict(type='LoadPseudoLabel')],
            lazy_init=True,
        )
        attach_store(dataset, store, str(root))
        # Spawning pickles the data set.
        again = pickle.loads(pickle.dumps(dataset))
        assert again.pipeline(results)['pseudo_label_round'] == 0

    def test_disabled_adds_nothing(self, results: dict) -> None:
        dataset = BaseSegDataset(
            pipeline=[dict(type='LoadPseudoLabel')], lazy_init=True
        )
        attach_store(dataset, None, enabled=False)

        assert dataset.pipeline(dict(results)) == results

    def test_labels_nothing_without_a_store(self, results: dict) -> None:
        loaded = Compose([LOAD_IMAGE, LOAD_WEAK, LoadPseudoLabel()])(results)

        assert loaded['pseudo_label_round'] == -1
        assert (loaded['pseudo_seg_map'] == 255).all()
