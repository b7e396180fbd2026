"""Colours of painted label maps."""

from __future__ import annotations

import numpy as np
import pytest

from mmseg_sesam.visualization.sheet import choose_palette, paint_label


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
