"""The ids that label files of a data set hold."""

from __future__ import annotations

import numpy as np
from mmseg.datasets import BaseSegDataset

from mmseg_sesam.datasets import MappedSegDataset
from mmseg_sesam.datasets.file_ids import file_ids


def test_file_ids_of_files_with_a_class_list_of_their_own() -> None:
    dataset = MappedSegDataset(
        file_classes=['c', 'a', 'void'],
        other_classes='unlabelled',
        metainfo=dict(classes=['a', 'b', 'c']),
        lazy_init=True,
    )
    ids = file_ids(dataset)
    assert ids['table'][:4].tolist() == [2, 0, 255, 255]
    assert ids['unnamed'][[2, 3, 255]].tolist() == [False, True, False]


def test_file_ids_follow_the_loader_before_the_data_set() -> None:
    dataset = BaseSegDataset(reduce_zero_label=True, lazy_init=True)
    assert file_ids(dataset)['table'][:2].tolist() == [255, 0]
    ids = file_ids(dataset, reduce_zero_label=False)
    np.testing.assert_array_equal(ids['table'], np.arange(256))
    assert not ids['unnamed'].any()


def test_file_ids_of_a_data_set_of_another_kind() -> None:
    ids = file_ids(object())
    np.testing.assert_array_equal(ids['table'], np.arange(256))
