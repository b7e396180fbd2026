"""Painted label maps: their colours, their sizes and strips of them."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest
from memory_peak import with_peak

from mmseg_sesam.visualization.sheet import (
    choose_palette,
    join_strip,
    paint_label,
    paint_labels,
    resize_label,
)


@pytest.mark.parametrize(
    'palette',
    [[[0, 0, 0], [128, 0, 0], [9, 9, 9]], [[0, 0, 0]], None],
    ids=['three colours', 'black', 'none'],
)
def test_choose_palette_has_no_nearly_black_class(
    palette: list | None,
) -> None:
    chosen = np.array(choose_palette(palette, 3))

    assert chosen.shape == (3, 3)
    assert (chosen.max(axis=1) >= 64).all()
    assert len(np.unique(chosen, axis=0)) == 3


def test_choose_palette_keeps_other_colours() -> None:
    palette = [[0, 0, 0], [128, 0, 0], [0, 0, 128], [10, 200, 30]]

    assert choose_palette(palette, 4)[1:] == palette[1:]
    assert choose_palette(palette, 4) == choose_palette(palette, 4)


def test_paint_label_black_class_shows_on_a_dark_photo() -> None:
    photo = np.full((4, 6, 3), 12, np.uint8)
    label = np.full((4, 6), 255, np.uint8)
    label[:, :3] = 0

    painted = paint_label(photo, label, choose_palette([[0, 0, 0]], 1))

    contrast = painted[:, :3].max(axis=2).min() - painted[:, 3:].max()
    assert contrast > 100


def peak_per_pixel(call: Callable[[], np.ndarray], pixels: int) -> float:
    return with_peak(call)[1] / pixels


def test_paint_label_takes_the_memory_of_a_band(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    label = np.random.default_rng(0).integers(0, 4, (256, 256), np.uint8)
    label[label == 3] = 255
    photo = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
    palette = [[200, 0, 0], [0, 90, 0], [0, 0, 255]]
    whole = paint_label(photo, label, palette)
    monkeypatch.setattr('mmseg_sesam.core.bands.BAND_PIXELS', 2**12)

    np.testing.assert_array_equal(paint_label(photo, label, palette), whole)
    assert (
        peak_per_pixel(lambda: paint_label(photo, label, palette), label.size)
        < 10
    )


def test_resize_label_lists_no_pixels_of_a_dense_label() -> None:
    label = np.zeros((256, 256), np.uint8)
    peak = peak_per_pixel(lambda: resize_label(label, (32, 32)), label.size)
    assert peak < 2


def test_resize_label_keeps_a_thin_scribble() -> None:
    label = np.full((64, 64), 255, np.uint8)
    label[:, 5] = 1
    assert (resize_label(label, (8, 8)) == 1).sum() == 8


@pytest.mark.parametrize(
    ('size', 'expected'),
    [((500, 50), (100, 10)), ((50, 500), (10, 100)), ((40, 60), (40, 60))],
    ids=['tall', 'wide', 'small'],
)
def test_paint_labels_bounds_the_longer_side(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image, label = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)

    pictures = paint_labels(image, {'label': label}, [[200, 0, 0]], side=100)

    assert {title: picture.shape for title, picture in pictures.items()} == {
        'image': (*expected, 3),
        'label': (*expected, 3),
    }


def test_join_strip_shows_whole_titles_above_narrow_pictures() -> None:
    title = 'pseudo-label, 97.3%'
    wide = join_strip({title: np.zeros((8, 400, 3), np.uint8)})

    narrow = join_strip({title: np.zeros((8, 10, 3), np.uint8)})

    width = narrow.shape[1]
    np.testing.assert_array_equal(narrow[:22], wide[:22, :width])
    assert (wide[:22, width:] == 255).all()
    assert not narrow[22:, :10].any() and (narrow[22:, 10:] == 255).all()
