"""Shapes over each other, with and without an order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.annotations import overlaps
from mmseg_sesam.annotations.drawing import Canvas

SIZE = (24, 20)
# Corners and class of rectangles.
RECTANGLES = st.lists(
    st.tuples(
        st.integers(0, 23),
        st.integers(0, 19),
        st.integers(0, 23),
        st.integers(0, 19),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)


def drawn(rectangles, by_area=True, **options) -> Canvas:
    canvas = Canvas('a.jpg', SIZE, by_area=by_area, **options)
    for left, top, right, bottom, class_id in rectangles:
        canvas.rectangle([(left, top), (right, bottom)], class_id)
    return canvas


def masks(rectangles) -> list[tuple[np.ndarray, int]]:
    """Mask and class of each rectangle alone."""
    return [
        (drawn([rectangle]).label != 255, rectangle[-1])
        for rectangle in rectangles
    ]


def reasons(canvas: Canvas) -> list[str]:
    return [reason for reason, _ in canvas.annotation().notes]


@settings(max_examples=100)
@given(rectangles=RECTANGLES, data=st.data())
def test_draw_by_area_ignores_the_order_of_shapes(rectangles, data):
    other = data.draw(st.permutations(rectangles))
    np.testing.assert_array_equal(drawn(rectangles).label, drawn(other).label)
    assert sorted(reasons(drawn(rectangles))) == sorted(reasons(drawn(other)))


@settings(max_examples=100)
@given(rectangles=RECTANGLES)
def test_draw_by_area_gives_pixels_to_the_smallest_shape(rectangles):
    label = drawn(rectangles).label
    shapes = masks(rectangles)
    for row, column in np.ndindex(label.shape):
        here = [(m.sum(), c) for m, c in shapes if m[row, column]]
        if not here:
            assert label[row, column] == 255
            continue
        least = min(area for area, _ in here)
        smallest = {c for area, c in here if area == least}
        assert label[row, column] in {*smallest, 255}
        # Alone, or over much larger ones, a shape keeps its pixels.
        if all(area >= 2 * least or {c} == smallest for area, c in here):
            assert label[row, column] in smallest


@settings(max_examples=100)
@given(rectangles=RECTANGLES)
def test_draw_by_area_keeps_shapes_within_larger_ones(rectangles):
    label = drawn(rectangles).label
    shapes = masks(rectangles)
    for mask, class_id in shapes:
        area = mask.sum()
        others = [m for m, c in shapes if c != class_id and (m & mask).any()]
        holds = [m for m in others if (m & mask).sum() == area]
        if all(m.sum() * 0.9 >= area for m in holds) and len(holds) == len(
            others
        ):
            assert (label[mask] == class_id).all()


@settings(max_examples=100)
@given(rectangles=RECTANGLES, by_area=st.booleans())
def test_draw_counts_covered_shapes(rectangles, by_area):
    canvas = drawn(rectangles, by_area)
    label = canvas.annotation().label
    kept = [(label[mask] == c) for mask, c in masks(rectangles)]
    partly = sum(not k.all() and k.any() for k in kept)
    vanished = sum(not k.any() for k in kept)
    found = reasons(canvas)
    assert found.count('shape partly covered by another class') == partly
    assert found.count('shape completely covered by another class') == vanished


def test_draw_by_area_puts_a_window_on_its_facade():
    facade, window = (0, 0, 19, 15, 1), (4, 4, 8, 8, 0)
    for shapes in ([facade, window], [window, facade]):
        canvas = drawn(shapes, names=['window', 'facade'])
        assert (canvas.label[4:9, 4:9] == 0).all()
        (note,) = canvas.annotation().notes
        assert note == (
            'shape partly covered by another class',
            "a.jpg: 'facade' at (0, 0) under 'window'",
        )


def test_draw_by_area_puts_a_screen_on_its_monitor():
    """80% of the larger one: more than half, but within it."""
    screen, monitor = (0, 0, 15, 9, 0), (0, 0, 19, 9, 1)
    label = drawn([screen, monitor]).label
    assert (label[:10, :16] == 0).all() and (label[:10, 16:20] == 1).all()


@pytest.mark.parametrize(
    'other',
    [(4, 0, 13, 9, 1), (0, 0, 9, 9, 1), (0, 0, 9, 10, 1)],
    ids=['shifted', 'identical', 'larger by a row'],
)
def test_draw_by_area_leaves_overlaps_of_equal_sizes_unlabelled(other):
    square = (0, 0, 9, 9, 0)
    canvas = drawn([square, other])
    first, second = (mask for mask, _ in masks([square, other]))
    label = canvas.label
    assert (label[first & second] == 255).all()
    assert (label[first & ~second] == 0).all()
    assert (label[second & ~first] == 1).all()
    assert 'about the same size' in reasons(canvas)[0]


def test_draw_in_order_names_covered_shapes():
    canvas = drawn([(4, 4, 8, 8, 0), (0, 0, 19, 15, 1)], by_area=False)
    assert (canvas.label[4:9, 4:9] == 1).all()
    assert canvas.annotation().notes == [
        (
            'shape completely covered by another class',
            'a.jpg: class 0 at (4, 4) under class 1',
        )
    ]


def test_draw_by_area_compares_shapes_that_meet_alone(monkeypatch):
    compared, shared = [], overlaps._shared

    def note(one, other):
        compared.append((one.col, other.col))
        return shared(one, other)

    monkeypatch.setattr(overlaps, '_shared', note)
    # The first and the last share pixels, and the others have one corner each.
    label = drawn(
        [(0, 0, 5, 5, 1), (6, 6, 9, 9, 2), (12, 0, 13, 1, 1), (4, 3, 5, 4, 0)]
    ).label
    assert compared == [(4, 0)]
    assert label[3, 4] == 0
