"""Pictures of suggested images."""

from __future__ import annotations

import numpy as np

from mmseg_sesam.suggest.pictures import draw_strip


def test_draw_strip_frames_regions_in_the_image_alone() -> None:
    image = np.full((60, 80, 3), 100, np.uint8)
    maps = {'label': np.zeros((60, 80), np.uint8)}
    box = (10, 20, 50, 40)
    plain = draw_strip(image, maps, [[0, 200, 0]], [])
    framed = draw_strip(image, maps, [[0, 200, 0]], [box])
    assert plain.shape == framed.shape == (22 + 60, 160, 3)
    changed = (plain != framed).any(axis=2)
    rows, cols = np.nonzero(changed)
    assert (rows.min() - 22, rows.max() - 22) == (20, 39)
    assert (cols.min(), cols.max()) == (10, 49)


def test_draw_strip_of_a_large_image_is_small() -> None:
    image = np.zeros((700, 1000, 3), np.uint8)
    box = (990, 0, 1000, 700)
    strip = draw_strip(
        image, {'label': np.zeros((700, 1000), np.uint8)}, [[9] * 3], [box]
    )
    assert strip.shape == (22 + 224, 2 * 320, 3)
