from __future__ import annotations

import numpy as np

from mmseg_sesam.start.label_kind import guess_kind


def empty() -> np.ndarray:
    return np.full((100, 100), 255, np.uint8)


def test_guess_kind_finds_points() -> None:
    label = empty()
    label[10:13, 10:13], label[50:53, 70:73] = 0, 1
    assert guess_kind([label]) == 'point'


def test_guess_kind_finds_strokes_of_any_direction() -> None:
    label = empty()
    label[20:23, 5:90] = 0
    rows = np.arange(30, 90)
    label[rows, rows] = label[rows, rows + 1] = 1
    assert guess_kind([label]) == 'scribble'


def test_guess_kind_finds_coarse_masks() -> None:
    label = empty()
    label[10:40, 10:60], label[50:90, 50:80] = 0, 1
    assert guess_kind([label]) == 'coarse'


def test_guess_kind_knows_masks_of_small_objects() -> None:
    label = empty()
    label[10:60, 10:70] = 0
    for row in range(70, 95, 6):
        label[row : row + 3, 10:13] = label[row : row + 3, 30:33] = 1
    assert guess_kind([label]) == 'coarse'


def test_guess_kind_finds_dense_labels() -> None:
    label = empty()
    label[:], label[40:60, 40:60] = 0, 1
    label[:, :2] = 255
    assert guess_kind([label]) == 'dense'


def test_guess_kind_of_large_photos_knows_larger_points() -> None:
    label = empty()
    label[10:35, 10:35] = 0
    assert guess_kind([label], scale=4) == 'point'


def test_guess_kind_of_large_photos_keeps_thin_lines_and_dots() -> None:
    label = np.full((1100, 2060), 255, np.uint8)
    rows = np.arange(100, 1000)
    label[rows, rows], label[rows, 1901], label[901, 200:700] = 0, 1, 2
    assert guess_kind([label], scale=3) == 'scribble'
    label[:] = 255
    label[100::500, 100::500] = 0
    assert guess_kind([label], scale=3) == 'point'
