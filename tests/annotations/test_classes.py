"""Names and colours of classes, and their ids in index images."""

from __future__ import annotations

import numpy as np
import pytest
from mmseg.utils import get_palette

from mmseg_sesam.annotations.classes import (
    resolve_classes,
    to_label,
    train_ids,
)
from mmseg_sesam.io.palettes import voc_colours


def test_resolve_classes_of_names_or_a_data_set():
    names, palette = resolve_classes(['cityscapes'])
    assert names[13] == 'car' and palette == get_palette('cityscapes')
    names, palette = resolve_classes(['car', 'road'])
    assert names == ('car', 'road') and palette == voc_colours()[:2]
    assert resolve_classes(['car']) == (('car',), [[0, 0, 0]])
    assert resolve_classes([]) == ((), [])


def test_resolve_classes_has_colours_where_mmseg_has_names():
    names, palette = resolve_classes(['lip'])
    assert names[:2] == ('background', 'hat')
    assert palette == voc_colours()[:20]


def test_resolve_classes_rejects_names_that_cannot_be_ids():
    with pytest.raises(ValueError, match=r"3 classes, \['a'\] more than once"):
        resolve_classes(['a', 'b', 'a'])
    with pytest.raises(ValueError, match='up to 255'):
        resolve_classes([str(i) for i in range(256)])


def test_resolve_classes_rejects_an_empty_name() -> None:
    with pytest.raises(ValueError, match='Class 1 of --classes has no name'):
        resolve_classes(['road', '', 'car'])


def test_to_label_shifts_ids_and_joins_unlabelled_values() -> None:
    values = np.array([[0, 1, 2, 255]])
    label = to_label(values, 2, 'a.png', void=[0], first=1)
    assert label.tolist() == [[255, 0, 1, 255]] and label.dtype == np.uint8


@pytest.mark.parametrize('value', [-1, 3, 254, 256, 65535])
def test_to_label_rejects_other_values(value: int) -> None:
    with pytest.raises(
        ValueError, match=r'a.png holds the values .* correct it'
    ):
        to_label(np.array([[0, value]]), 3, 'a.png', remedy='correct it')


def test_train_ids_of_label_ids() -> None:
    ids = np.array([[0, 7, 26, 33, 255]])
    assert train_ids(ids, 'a.png').tolist() == [[255, 0, 13, 18, 255]]


@pytest.mark.parametrize('value', [-1, 34, 254, 256])
def test_train_ids_rejects_other_values(value: int) -> None:
    with pytest.raises(ValueError, match='label ids of Cityscapes'):
        train_ids(np.array([[7, value]]), 'a.png')
