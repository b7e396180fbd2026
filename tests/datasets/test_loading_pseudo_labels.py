"""Loading the pseudo-labels of a store beside weak labels."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import Compose, RepeatDataset, pseudo_collate
from mmseg.datasets import BaseSegDataset
from torch.utils.data import DataLoader

from mmseg_sesam.datasets import LoadPseudoLabel
from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.store.store import CONFIDENT, LABELS, PseudoLabelStore

LOAD_IMAGE = dict(type='LoadImageFromFile')
LOAD_WEAK = dict(type='LoadWeakAnnotations', num_classes=3)


@pytest.fixture
def store(tmp_path: Path) -> PseudoLabelStore:
    return PseudoLabelStore(tmp_path / 'work/pseudo_labels')


def publish(store: PseudoLabelStore, number: int, **maps: np.ndarray) -> None:
    store.begin(number, {})
    store.stage(number, 'images/town/a', maps, [])
    store.commit(number, dict(round=number))


def load_pseudo(
    store: PseudoLabelStore, root: Path, with_confident: bool = False
) -> LoadPseudoLabel:
    transform = LoadPseudoLabel()
    transform.store, transform.data_root = store, str(root)
    transform.with_confident = with_confident
    return transform


@pytest.fixture
def pipeline(store: PseudoLabelStore, root: Path) -> Compose:
    load = load_pseudo(store, root, with_confident=True)
    return Compose([LOAD_IMAGE, LOAD_WEAK, load])


def test_load_pseudo_label_before_the_first_round(
    pipeline: Compose, results: dict
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


def test_load_pseudo_label_of_round_0_has_no_confident_label(
    pipeline: Compose,
    store: PseudoLabelStore,
    results: dict,
    label: np.ndarray,
) -> None:
    publish(store, 0, labels=label)
    loaded = pipeline(results)

    np.testing.assert_array_equal(loaded['pseudo_seg_map'], label)
    assert (loaded['confident_seg_map'] == 255).all()
    assert loaded['pseudo_label_round'] == 0


def test_load_pseudo_label_of_later_rounds_has_confident_labels(
    pipeline: Compose,
    store: PseudoLabelStore,
    results: dict,
    label: np.ndarray,
) -> None:
    publish(store, 0, labels=np.zeros_like(label))
    publish(store, 1, labels=label, confident=label[:, ::-1])
    loaded = pipeline(results)

    np.testing.assert_array_equal(loaded['pseudo_seg_map'], label)
    np.testing.assert_array_equal(loaded['confident_seg_map'], label[:, ::-1])
    assert loaded['pseudo_label_round'] == 1


def test_load_pseudo_label_without_confident_labels(
    store: PseudoLabelStore, root: Path, results: dict
) -> None:
    load = load_pseudo(store, root)
    loaded = Compose([LOAD_IMAGE, LOAD_WEAK, load])(results)

    assert 'confident_seg_map' not in loaded
    assert (loaded['pseudo_seg_map'] == 255).all()


@pytest.mark.parametrize('kind', [LABELS, CONFIDENT])
def test_load_pseudo_label_names_a_file_missing_from_a_round(
    pipeline: Compose,
    store: PseudoLabelStore,
    results: dict,
    label: np.ndarray,
    kind: str,
) -> None:
    publish(store, 1, labels=label, confident=label)
    path = store.folder(1) / kind / 'images/town/a.png'
    path.unlink()

    with pytest.raises(
        FileNotFoundError, match=f'{path} is missing .* --resume'
    ):
        pipeline(results)


def test_load_pseudo_label_names_a_damaged_file(
    pipeline: Compose,
    store: PseudoLabelStore,
    results: dict,
    label: np.ndarray,
) -> None:
    publish(store, 0, labels=label)
    path = store.folder(0) / LABELS / 'images/town/a.png'
    path.write_bytes(path.read_bytes()[:60])

    with pytest.raises(
        ValueError, match=f'{path} cannot be read .* make the round'
    ):
        pipeline(results)


def test_load_pseudo_label_rejects_another_size_than_the_image(
    pipeline: Compose, store: PseudoLabelStore, results: dict
) -> None:
    publish(store, 0, labels=np.zeros((20, 28), np.uint8))

    with pytest.raises(ValueError) as error:
        pipeline(results)
    for part in ('a.png', '(20, 28)', '(40, 56)', 'make the pseudo'):
        assert part in str(error.value)


def test_load_pseudo_label_rejects_an_image_outside_of_data_root(
    store: PseudoLabelStore, root: Path, results: dict, label: np.ndarray
) -> None:
    publish(store, 0, labels=label)
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
def test_load_pseudo_label_moves_along_with_the_weak_label(
    store: PseudoLabelStore,
    root: Path,
    results: dict,
    label: np.ndarray,
    transform: dict,
) -> None:
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
            np.testing.assert_array_equal(loaded[name], loaded['gt_seg_map'])
        moved += not np.array_equal(loaded['gt_seg_map'], label)
    assert moved


def test_load_pseudo_label_sees_a_new_round_in_workers(
    store: PseudoLabelStore, root: Path, label: np.ndarray
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
    publish(store, 0, labels=label)
    assert rounds() == [0] * 4
    dense = np.where(label == 255, np.uint8(1), label)
    publish(store, 1, labels=dense)
    assert rounds() == [1] * 4
    sample = next(iter(loader))['data_samples'][0]
    np.testing.assert_array_equal(sample.pseudo_sem_seg.data[0], dense)


def test_load_pseudo_label_in_spawned_workers_has_the_store(
    store: PseudoLabelStore, root: Path, results: dict, label: np.ndarray
) -> None:
    publish(store, 0, labels=label)
    dataset = BaseSegDataset(
        pipeline=[LOAD_IMAGE, LOAD_WEAK, dict(type='LoadPseudoLabel')],
        lazy_init=True,
    )
    attach_store(dataset, store, str(root))
    # Spawning pickles the data set.
    again = pickle.loads(pickle.dumps(dataset))
    assert again.pipeline(results)['pseudo_label_round'] == 0


def test_load_pseudo_label_disabled_adds_nothing(results: dict) -> None:
    dataset = BaseSegDataset(
        pipeline=[dict(type='LoadPseudoLabel')], lazy_init=True
    )
    attach_store(dataset, None, enabled=False)

    assert dataset.pipeline(dict(results)) == results


def test_load_pseudo_label_without_a_store_labels_nothing(
    results: dict,
) -> None:
    loaded = Compose([LOAD_IMAGE, LOAD_WEAK, LoadPseudoLabel()])(results)

    assert loaded['pseudo_label_round'] == -1
    assert (loaded['pseudo_seg_map'] == 255).all()
