"""Loading weak labels from real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import Compose
from mmseg.datasets import ADE20KDataset
from PIL import Image

LOAD_IMAGE = dict(type='LoadImageFromFile')
LOAD_WEAK = dict(type='LoadWeakAnnotations', num_classes=3)


def load_weak(results: dict, **options) -> np.ndarray:
    load = dict(LOAD_WEAK, **options)
    return Compose([LOAD_IMAGE, load])(results)['gt_seg_map']


def test_load_weak_annotations_reads_ids_of_the_file(
    results: dict, label: np.ndarray
) -> None:
    loaded = Compose([LOAD_IMAGE, LOAD_WEAK])(results)

    assert loaded['gt_seg_map'].dtype == np.uint8
    np.testing.assert_array_equal(loaded['gt_seg_map'], label)
    assert loaded['seg_fields'] == ['gt_seg_map']
    ids = set(np.unique(label)) - {255}
    assert loaded['weak_classes'] == sorted(ids)


def test_load_weak_annotations_reads_a_palette(
    results: dict, label: np.ndarray
) -> None:
    image = Image.fromarray(label)
    image.putpalette(np.arange(768).astype(np.uint8).tobytes())
    image.save(results['seg_map_path'])

    assert Image.open(results['seg_map_path']).mode == 'P'
    np.testing.assert_array_equal(load_weak(results), label)


@pytest.mark.parametrize('reduce_zero_label', [False, True])
@pytest.mark.parametrize('label_map', [None, {0: 2, 1: 0, 2: 255}])
def test_load_weak_annotations_equals_the_stock_transform(
    results: dict, reduce_zero_label: bool, label_map: dict | None
) -> None:
    results.update(reduce_zero_label=reduce_zero_label, label_map=label_map)
    stock = Compose([LOAD_IMAGE, dict(type='LoadAnnotations')])
    expected = stock(dict(results, seg_fields=[]))['gt_seg_map']

    label = load_weak(results)

    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, expected)


def test_load_weak_annotations_takes_minus_one_as_unlabelled(
    results: dict, label: np.ndarray
) -> None:
    dropped = load_weak(dict(results, label_map={0: 0, 1: -1, 2: 1}))

    expected = np.select([label == 0, label == 2], [0, 1], 255)
    np.testing.assert_array_equal(dropped, expected)


@pytest.mark.parametrize('reduce_zero_label', [False, True])
def test_load_weak_annotations_rejects_ids_that_no_map_names(
    results: dict, label: np.ndarray, reduce_zero_label: bool
) -> None:
    Image.fromarray(np.where(label == 0, 9, label)).save(
        results['seg_map_path']
    )
    results.update(
        reduce_zero_label=reduce_zero_label, label_map={0: 1, 1: 0, 2: 255}
    )

    with pytest.raises(ValueError, match=r'a.png holds the ids \[9\], which'):
        load_weak(results)


def ade20k(root: Path, num_classes: int, **options) -> np.ndarray:
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


def test_load_weak_annotations_of_ade20k_reads_zero_as_unlabelled(
    root: Path,
) -> None:
    ids = ade20k(root, num_classes=150)

    assert (ids[:, 0] == 255).all()
    assert ids[:, 1].tolist() == [0, 1, 149, 255, 255]


def test_load_weak_annotations_rejects_another_reduce_zero_label(
    results: dict,
) -> None:
    with pytest.raises(
        ValueError, match='reduce_zero_label=True and the data .* False'
    ):
        load_weak(results, reduce_zero_label=True)


def test_load_weak_annotations_renumbers_chosen_classes(root: Path) -> None:
    classes = dict(classes=('flag', 'building'))
    ids = ade20k(root, num_classes=2, metainfo=classes)

    assert (ids[:, 0] == 255).all()
    assert ids[:, 1].tolist() == [255, 1, 0, 255, 255]


def test_load_weak_annotations_rejects_another_value_of_unlabelled_pixels(
    results: dict, label: np.ndarray
) -> None:
    label[label == 255] = 7
    Image.fromarray(label).save(results['seg_map_path'])

    with pytest.raises(ValueError, match=r'ids \[7\].* or 255'):
        load_weak(results)


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
def test_load_weak_annotations_rejects_other_images(
    results: dict, array: np.ndarray, found: str, remedy: str
) -> None:
    Image.fromarray(array).save(results['seg_map_path'])
    path = results['seg_map_path']

    with pytest.raises(ValueError, match=f'{path}.*{found}.*') as error:
        load_weak(results)
    assert remedy in str(error.value)


@pytest.mark.parametrize('kept', [0, 20, 60])
def test_load_weak_annotations_names_a_damaged_file(
    results: dict, kept: int
) -> None:
    path = Path(results['seg_map_path'])
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(
        ValueError, match=f'{path} cannot be read .* 8-bit PNG'
    ):
        load_weak(results)


def test_load_weak_annotations_names_a_missing_file(results: dict) -> None:
    path = Path(results['seg_map_path'])
    path.unlink()

    with pytest.raises(
        FileNotFoundError, match=f'{path} is missing; add it, take its'
    ):
        load_weak(results)


def load(results: dict, **options) -> dict:
    return Compose([LOAD_IMAGE, dict(LOAD_WEAK, **options)])(results)


def test_load_weak_annotations_says_the_kind(
    results: dict, label: np.ndarray
) -> None:
    assert 'label_kind' not in load(dict(results, seg_fields=[]))
    loaded = load(results, kind='dense')
    assert loaded['label_kind'] == 'dense'
    np.testing.assert_array_equal(loaded['gt_seg_map'], label)


def test_load_weak_annotations_of_no_label_reads_no_file(
    results: dict, label: np.ndarray
) -> None:
    Path(results.pop('seg_map_path')).write_bytes(b'damaged')
    loaded = load(results, kind='none')
    assert loaded['label_kind'] == 'none'
    assert loaded['gt_seg_map'].shape == label.shape
    assert (loaded['gt_seg_map'] == 255).all()
    assert loaded['weak_classes'] == []
    assert loaded['seg_fields'] == ['gt_seg_map']


def test_load_weak_annotations_allows_images_without_a_file(
    results: dict, label: np.ndarray
) -> None:
    options = dict(kind='scribble', unlabelled='allow')
    present = load(dict(results, seg_fields=[]), **options)
    assert present['label_kind'] == 'scribble'
    Path(results['seg_map_path']).unlink()
    loaded = load(results, **options)
    assert loaded['label_kind'] == 'none'
    assert (loaded['gt_seg_map'] == 255).all()


@pytest.mark.parametrize(
    'options', [dict(kind='box'), dict(unlabelled=True)], ids=str
)
def test_load_weak_annotations_rejects_unknown_kinds(options: dict) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f'got {name}=.*, expected one of'):
        load({}, **options)


def test_load_weak_annotations_names_a_data_set_without_labels(
    results: dict,
) -> None:
    del results['seg_map_path']
    with pytest.raises(ValueError, match="names no labels; .*kind='none'"):
        load(results, kind='scribble')
