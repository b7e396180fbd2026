"""Tiles of an image, and prompts in each of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.tiles import TileGrid, prompt_in_tiles

PROPERTY = settings(max_examples=100)


@st.composite
def grids(draw) -> TileGrid:
    shape = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    tile = draw(st.integers(2, 40))
    return TileGrid.of(shape, tile, draw(st.integers(1, tile // 2)))


def paint(shape, boxes) -> np.ndarray:
    """Returns how many boxes hold each pixel."""
    canvas = np.zeros(shape, int)
    for row0, col0, row1, col1 in boxes:
        canvas[row0:row1, col0:col1] += 1
    return canvas


@PROPERTY
@given(grids())
def test_tiles_cover_the_image_and_cells_part_it(grid):
    numbers = range(len(grid))
    boxes = [grid.box(number) for number in numbers]
    assert all(row1 <= grid.shape[0] for _, _, row1, _ in boxes)
    assert paint(grid.shape, boxes).min() >= 1
    cells = [grid.cell(number) for number in numbers]
    assert (paint(grid.shape, cells) == 1).all()
    for (row0, col0, row1, col1), cell in zip(boxes, cells):
        assert row0 <= cell[0] and col0 <= cell[1]
        assert cell[2] <= row1 and cell[3] <= col1


@PROPERTY
@given(grids())
def test_owners_and_holding_agree_with_cells_and_tiles(grid):
    rows, cols = (g.ravel() for g in np.mgrid[tuple(map(slice, grid.shape))])
    owners = grid.owners(rows, cols)
    for number in range(len(grid)):
        row0, col0, row1, col1 = grid.cell(number)
        own = owners.reshape(grid.shape)[row0:row1, col0:col1]
        assert (own == number).all()
        assert grid.holds(number, rows, cols)[owners == number].all()
    for row, col in zip(rows[::97], cols[::97]):
        found = grid.holding(np.array([row]), np.array([col]))
        expected = [n for n in range(len(grid)) if grid.holds(n, row, col)]
        assert found == expected


@PROPERTY
@given(grids(), st.data())
def test_touched_are_the_cells_with_pixels_of_a_box(grid, data):
    height, width = grid.shape
    row0 = data.draw(st.integers(0, height - 1))
    col0 = data.draw(st.integers(0, width - 1))
    row1 = data.draw(st.integers(row0 + 1, height))
    col1 = data.draw(st.integers(col0 + 1, width))
    rows, cols = (g.ravel() for g in np.mgrid[row0:row1, col0:col1])
    expected = np.unique(grid.owners(rows, cols)).tolist()
    assert grid.touched((row0, col0, row1, col1)) == expected


def test_of_an_image_that_fits_one_tile():
    grid = TileGrid.of((100, 80), tile=100, overlap=20)
    assert len(grid) == 1
    assert grid.box(0) == grid.cell(0) == (0, 0, 100, 80)


def test_prompt_in_tiles_of_a_long_stroke():
    label = np.full((60, 1000), 255, np.uint8)
    label[30, 10:990] = 1
    label[50, 500] = 2
    components = find_components(label)
    prompts = SkeletonPrompter(max_points=2)(components)
    grid = TileGrid.of(label.shape, tile=100, overlap=20)
    (together, *alone), (dot,) = prompt_in_tiles(grid, components, prompts)
    cols, rows = together.points.astype(int).T
    # Every point is a pixel of the stroke, and every tile has one.
    assert (label[rows, cols] == 1).all()
    assert grid.holding(rows, cols) == [*range(len(grid))]
    # Each is a prompt alone.
    assert sorted(p.points.tolist() for p in alone) == sorted(
        together.points[:, None].tolist()
    )
    np.testing.assert_array_equal(dot.points, prompts[1][0].points)


def test_prompt_in_tiles_keeps_prompts_of_one_tile():
    label = np.full((60, 80), 255, np.uint8)
    label[30, 10:70] = 1
    components = find_components(label)
    prompts = SkeletonPrompter()(components)
    grid = TileGrid.of(label.shape, tile=100, overlap=20)
    assert prompt_in_tiles(grid, components, prompts) == prompts
