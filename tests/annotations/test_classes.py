"""Names and colours of classes."""

from __future__ import annotations

import pytest
from mmseg.utils import get_palette

from mmseg_sesam.annotations.classes import resolve_classes
from mmseg_sesam.io.palettes import voc_colours


def test_resolve_classes_of_names_or_a_data_set():
    names, palette = resolve_classes(['cityscapes'])
    assert names[13] == 'car' and palette == get_palette('cityscapes')
    names, palette = resolve_classes(['car', 'road'])
    assert names == ('car', 'road') and palette == voc_colours()[:2]
    assert resolve_classes(['car']) == (('car',), [[0, 0, 0]])
    assert resolve_classes([]) == ((), [])


def test_resolve_classes_rejects_names_that_cannot_be_ids():
    with pytest.raises(ValueError, match=r"3 classes, \['a'\] more than once"):
        resolve_classes(['a', 'b', 'a'])
    with pytest.raises(ValueError, match='up to 255'):
        resolve_classes([str(i) for i in range(256)])


def test_resolve_classes_rejects_an_empty_name() -> None:
    with pytest.raises(ValueError, match='Class 1 of --classes has no name'):
        resolve_classes(['road', '', 'car'])
