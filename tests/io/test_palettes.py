"""Colours of classes."""

from __future__ import annotations

from mmseg.utils import get_palette

from mmseg_sesam.io.palettes import full_palette, voc_colours


def test_voc_colours_equal_the_development_kit() -> None:
    colours = voc_colours()
    assert colours[:21] == get_palette('voc')
    # VOC2012's devkit draws void in this colour.
    assert colours[255] == [224, 224, 192]
    assert len({*map(tuple, colours)}) == 256


def test_full_palette_pads_with_black() -> None:
    colours = full_palette([[1, 2, 3]])
    assert colours.shape == (256, 3) and colours[0].tolist() == [1, 2, 3]
    assert not colours[1:].any()
