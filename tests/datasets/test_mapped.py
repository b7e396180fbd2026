"""Label files that have a class list of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mixed import loader_of, mix
from mmengine.config import Config, ConfigDict
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_sesam.datasets import MappedSegDataset

CLASSES = ['a', 'b', 'c']
DIFFERENT = 'a list of 1 to 255 different names'


def label_map(*names: str, **options) -> dict[int, int]:
    dataset = MappedSegDataset(
        file_classes=names,
        metainfo=dict(classes=CLASSES),
        lazy_init=True,
        **options,
    )
    assert list(dataset.label_map) == list(range(255))
    return {i: dataset.label_map[i] for i in range(len(names) + 1)}


def test_mapped_seg_dataset_maps_by_name() -> None:
    assert label_map('c', 'a', 'b') == {0: 2, 1: 0, 2: 1, 3: 255}
    assert label_map('b', 'a') == {0: 1, 1: 0, 2: 255}
    mapped = label_map('b', 'void', other_classes='unlabelled')
    assert mapped == {0: 1, 1: 255, 2: 255}


def test_mapped_seg_dataset_maps_as_many_ids_as_files_hold() -> None:
    dataset = MappedSegDataset(
        file_classes=[*map(str, range(254)), 'c'],
        other_classes='unlabelled',
        metainfo=dict(classes=CLASSES),
        lazy_init=True,
    )
    assert dataset.label_map == {**dict.fromkeys(range(254), 255), 254: 2}


def test_mapped_seg_dataset_takes_both_spellings_of_an_accent() -> None:
    dataset = MappedSegDataset(
        file_classes=['b', 'cafe\u0301'],
        metainfo=dict(classes=['caf\xe9', 'b']),
        lazy_init=True,
    )
    assert (dataset.label_map[0], dataset.label_map[1]) == (1, 0)


@pytest.mark.parametrize(
    ('names', 'said'),
    [
        (['a', 'void', 'b', 'road'], r"\['void', 'road'\], which metainfo"),
        (['x', 'y'], 'expected common names'),
        (['a', 'a'], DIFFERENT),
        ('abc', DIFFERENT),
        ([], DIFFERENT),
        # Their last id would be that of unlabelled pixels.
        (['a', *map(str, range(255))], DIFFERENT),
    ],
)
def test_mapped_seg_dataset_rejects_names(names: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MappedSegDataset(
            file_classes=names, metainfo=dict(classes=CLASSES), lazy_init=True
        )


def test_joined_data_sets_have_the_ids_of_the_first(
    make_config: Callable[..., Config], scribbles: Path
) -> None:
    cfg = mix(make_config(), ['scribble', 'dense'])
    joined = cfg.train_dataloader.dataset
    joined.ignore_keys = ['label_map']
    joined.datasets[1].update(
        type='MappedSegDataset',
        file_classes=['c', 'x', 'a'],
        other_classes='unlabelled',
    )
    assert loader_of(joined.datasets[1]).kind == 'dense'
    dataset = DATASETS.build(joined)
    transforms = dataset.datasets[1].pipeline.transforms
    loaded = dataset.datasets[1].get_data_info(0)
    for transform in transforms[:2]:
        loaded = transform(loaded)
    file = np.array(Image.open(scribbles / 'dense/deep/1.png'))
    expected = np.array([2, 255, 0], np.uint8)[file]
    np.testing.assert_array_equal(loaded['gt_seg_map'], expected)


@pytest.fixture
def two_of_three(make_config: Callable[..., Config]) -> ConfigDict:
    """A data set of dense labels with ids 0, 1 and 2, of which two have names.

    Its pipeline is empty.
    """
    (dataset,) = mix(
        make_config(), ['dense']
    ).train_dataloader.dataset.datasets
    dataset.update(
        type='MappedSegDataset', file_classes=['b', 'a'], pipeline=[]
    )
    return dataset


def test_unnamed_ids_are_unlabelled_for_the_stock_loader(
    two_of_three: ConfigDict,
) -> None:
    two_of_three.pipeline = [dict(type='LoadAnnotations')]
    loaded = DATASETS.build(two_of_three)[0]
    file = np.array(Image.open(loaded['seg_map_path']))
    assert (file == 2).any()
    expected = np.where(file < 2, 1 - file.astype(int), 255)
    np.testing.assert_array_equal(loaded['gt_seg_map'], expected)


def test_unnamed_ids_are_refused_by_the_loader_of_weak_labels(
    two_of_three: ConfigDict,
) -> None:
    two_of_three.pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadWeakAnnotations', num_classes=3),
    ]
    with pytest.raises(ValueError, match=r'the ids \[2\], .* ids 0 to 1, or'):
        DATASETS.build(two_of_three)[0]
