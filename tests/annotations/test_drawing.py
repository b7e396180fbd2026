"""Shapes on a canvas."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.annotations import drawing
from mmseg_sesam.annotations.drawing import Canvas

SIZE = (12, 8)


def canvas(**options) -> Canvas:
    return Canvas('file: image', SIZE, **options)


def where(drawn: Canvas, value: int) -> list[tuple[int, int]]:
    """Columns and rows of a value."""
    return [(x, y) for y, x in np.argwhere(drawn.label == value).tolist()]


def test_dots_fill_the_pixel_that_contains_a_point():
    drawn = canvas()
    drawn.dots([(0, 0), (11.99, 7.99), (3.5, 2.5)], 1, 0)
    assert where(drawn, 1) == [(0, 0), (3, 2), (11, 7)]
    assert not drawn.notes


def test_dots_have_their_radius():
    drawn = canvas()
    drawn.dots([(5, 4)], 2, 1)
    expected = [(x, y) for y in (3, 4, 5) for x in (4, 5, 6)]
    assert where(drawn, 2) == expected


def test_line_has_its_width_and_stays_open():
    drawn = canvas()
    drawn.line([(2, 3), (8, 3), (8, 6)], 4, 1)
    expected = [(x, 3) for x in range(2, 9)] + [(8, y) for y in (4, 5, 6)]
    assert where(drawn, 4) == expected
    drawn = canvas()
    drawn.line([(-0.0, 3), (11, 3)], 4, 3)
    assert where(drawn, 4) == [(x, y) for y in (2, 3, 4) for x in range(12)]


@pytest.mark.parametrize('width', range(1, 10))
def test_line_has_its_width_in_any_direction(width):
    drawn = Canvas('image', (100, 100))
    drawn.line([(10, 20), (90, 20)], 1, width)
    assert (drawn.label[:, 50] == 1).sum() == width
    drawn = Canvas('image', (100, 100))
    drawn.line([(20, 20), (80, 80)], 1, width)
    across = (drawn.label == 1).sum() / np.hypot(60, 60)
    assert abs(across - width) < width / 2


@settings(max_examples=100)
@given(
    points=st.lists(
        st.tuples(st.integers(-20, 60), st.integers(-20, 50)),
        min_size=2,
        max_size=4,
    ),
    width=st.integers(1, 9),
)
def test_line_and_dots_are_those_of_the_whole_image(points, width):
    size = 40, 30
    line, dots = np.zeros((2, 30, 40), np.uint8)
    points = np.array(points)
    # Points up to a pixel outside are moved to the border.
    close = ((points >= -1) & (points <= np.add(size, 1))).all(1)
    points[close] = np.clip(points[close], 0, np.subtract(size, 1))
    inside = ((points >= 0) & (points < size)).all(1)
    cv2.polylines(line, [points.astype(np.int32)], False, 1)
    line[tuple(points[inside].T[::-1])] = 1
    reach = np.arange(width) - (width - 1) / 2
    near = np.hypot(reach, reach[:, None]) < width / 2
    line = cv2.dilate(line, near.astype(np.uint8))
    rows, columns = np.ogrid[:30, :40]
    for x, y in points[inside]:
        dots[np.hypot(columns - x, rows - y) < width + 0.5] = 1

    for expected, name in ((line, 'line'), (dots, 'dots')):
        drawn = Canvas('image', size)
        getattr(drawn, name)(points, 0, width)
        np.testing.assert_array_equal(drawn.label == 0, expected > 0)


def test_line_and_dots_need_no_further_image(peak):
    drawn = Canvas('image', (2000, 2000))
    line = [(1900, 1900), (1950, 1990)]
    assert peak(lambda: drawn.line(line, 0, 3)) < 2000 * 2000 / 10
    assert peak(lambda: drawn.dots([(1900, 100)], 0, 3)) < 2000 * 2000 / 10


def test_line_of_one_point():
    drawn = canvas()
    drawn.line([(2, 3)], 4, 1)
    assert where(drawn, 4) == [(2, 3)]


def test_line_is_cut_at_the_border_or_clipped():
    points = [(1, 1), (3, 1), (20, 1), (20, 6), (9, 6)]
    drawn = canvas(outside='drop')
    drawn.line(points, 0, 1)
    cut = {(x, 1) for x in range(1, 12)} | {(9, 6), (10, 6), (11, 6)}
    assert {*where(drawn, 0)} == cut
    (reason, detail) = drawn.notes[0]
    assert len(drawn.notes) == 2 and 'cut at its border' in reason
    assert 'file: image' in detail and '(20.0, 1.0) of 12 x 8' in detail
    drawn = canvas(outside='clip')
    drawn.line(points, 0, 1)
    assert {*where(drawn, 0)} == cut | {(11, y) for y in range(2, 6)}
    assert 'clipped' in drawn.notes[0][0]


def test_points_on_the_far_borders_are_drawn():
    drawn = canvas()
    drawn.line([(3, 1), (12, 1)], 0, 1)
    drawn.dots([(12, 8), (-0.5, 5), (14, 3)], 1, 0)
    assert where(drawn, 0) == [(x, 1) for x in range(3, 12)]
    assert where(drawn, 1) == [(0, 5), (11, 7)]
    assert ['(14.0, 3.0)' in detail for _, detail in drawn.notes] == [True]


def test_areas_cover_their_pixels():
    drawn = canvas()
    drawn.polygon([(1, 1), (4, 1), (4, 3), (1, 3)], 1)
    drawn.rectangle([(10, 7), (8, 5)], 2)
    drawn.circle([(6, 4), (7, 4)], 3)
    square = [(x, y) for y in (1, 2, 3) for x in (1, 2, 3, 4)]
    assert where(drawn, 1) == square
    assert where(drawn, 2) == [(x, y) for y in (5, 6, 7) for x in (8, 9, 10)]
    assert {(5, 4), (6, 3), (6, 4), (6, 5), (7, 4)} <= {*where(drawn, 3)}
    assert len(where(drawn, 3)) <= 9


def test_polygons_of_centres_cover_what_lies_within():
    drawn = canvas(centres=True)
    drawn.polygon([(1, 1), (4, 1), (4, 3), (1, 3)], 1)
    drawn.polygon([(9, 6), (15, 6), (15, 9), (9, 9)], 2)
    square = [(x, y) for y in (1, 2) for x in (1, 2, 3)]
    assert where(drawn, 1) == square
    assert where(drawn, 2) == [(x, y) for y in (6, 7) for x in (9, 10, 11)]
    ((reason, _),) = drawn.notes
    assert reason == 'shape beyond the image, cut at its border'
    drawn.polygon([(1, 1), (4, 1), (4, 1.3)], 3)
    assert drawn.notes[1] == (
        'shape without a pixel, dropped',
        'file: image: (1.0, 1.0) of 12 x 8',
    )


def test_canvas_draws_later_shapes_over_earlier_ones():
    drawn = canvas(fill=9)
    drawn.rectangle([(0, 0), (5, 5)], 1)
    drawn.line([(0, 2), (5, 2)], 255, 1)
    drawn.mask(np.ones((1, 1), bool), (0, 0), 2)
    assert drawn.label[2, 3] == 255 and drawn.label[3, 3] == 1
    assert drawn.label[0, 0] == 2 and drawn.label[7, 11] == 9


@pytest.mark.parametrize(
    'corner',
    [(-2, -1), (10, 6), (-2, 6), (3, 2)],
    ids=['top left', 'bottom right', 'bottom left', 'inside'],
)
def test_mask_is_cut_at_the_border(corner):
    rng = np.random.default_rng(0)
    mask = rng.random((4, 5)) < 0.5
    drawn = canvas()
    drawn.mask(mask, corner, 1)
    expected = []
    for y, x in np.argwhere(mask):
        x, y = int(x) + corner[0], int(y) + corner[1]
        if 0 <= x < 12 and 0 <= y < 8:
            expected.append((x, y))
    assert sorted(where(drawn, 1)) == sorted(expected)


def test_canvas_notes_areas_outside():
    drawn = canvas()
    drawn.polygon([(-9, 1), (-5, 1), (-5, 5)], 1)
    drawn.mask(np.ones((2, 2), bool), (30, 0), 1)
    assert (drawn.label == 255).all()
    assert ['dropped' in reason for reason, _ in drawn.notes] == [True, True]
    drawn.polygon([(-9, 1), (5, 1), (5, 5)], 1)
    assert (drawn.label == 1).any()
    assert 'cut at its border' in drawn.notes[2][0]
    drawn.rectangle([(-0.5, 0), (12, 8)], 1)
    assert len(drawn.notes) == 3


@pytest.mark.parametrize(
    'kind, points, options',
    [
        ('dots', [], [1]),
        ('line', [], [3]),
        ('polygon', [], []),
        ('polygon', [(2, 1), (5, 3)], []),
        ('rectangle', [(2, 1)], []),
        ('circle', [(2, 1)], []),
    ],
)
def test_canvas_leaves_out_unfinished_shapes(kind, points, options):
    drawn = canvas(fill=9, names=['cat', 'dog'])
    getattr(drawn, kind)(points, 1, *options)
    ((reason, detail),) = drawn.notes
    number = f'(points: {len(points)}), skipped'
    assert reason.startswith('unfinished ') and number in reason
    assert detail.startswith("file: image: 'dog'")
    if points:
        assert detail.endswith(' at (2.0, 1.0)')
        # What lies there is unknown.
        assert drawn.label[1, 2] == 255 and drawn.label[0, 0] == 9
    else:
        assert (drawn.label == 255).all()


NUMBER = st.one_of(
    st.floats(),
    st.integers(-300, 300),
    st.sampled_from([1e308, -1e308, 10**400, None, '3', 'x', [], True]),
)
POINTS = st.one_of(
    NUMBER, st.lists(st.one_of(NUMBER, st.lists(NUMBER, max_size=3)))
)


@settings(max_examples=50)
@given(points=POINTS, outside=st.sampled_from(['drop', 'clip']))
def test_canvas_draws_or_rejects_any_points(points, outside):
    for draw in (
        lambda drawn: drawn.dots(points, 1, 2),
        lambda drawn: drawn.line(points, 1, 3),
        lambda drawn: drawn.polygon(points, 1),
        lambda drawn: drawn.rectangle(points, 1),
        lambda drawn: drawn.circle(points, 1),
    ):
        drawn = canvas(outside=outside)
        try:
            draw(drawn)
        except ValueError as error:
            assert str(error).startswith('file: image has ')
            assert '\n' not in str(error)
            assert (drawn.label == 255).all()
        assert drawn.label.shape == (8, 12)
        assert {*np.unique(drawn.label).tolist()} <= {1, 255}


@pytest.mark.parametrize('bad', [1e308, float('nan'), float('inf'), -1e9])
def test_points_rejects_points_far_outside(bad):
    with pytest.raises(ValueError, match='expected pixels of an image of 12'):
        canvas(outside='clip').dots([(1, 2), (3, bad)], 1, 1)


@settings(max_examples=100)
@given(
    corners=st.lists(
        st.tuples(st.floats(-9, 30), st.floats(1, 30)), min_size=3, max_size=8
    ),
    kind=st.sampled_from(['polygon', 'rectangle', 'circle']),
)
def test_area_is_the_same_farther_below(corners, kind):
    # Hundredths, as tools write them: sums with integers are exact enough.
    corners = np.round(np.array(corners), 2)
    near, far = Canvas('a', (40, 300)), Canvas('a', (40, 300))
    # A circle of 50 pixels fits below the top.
    getattr(near, kind)(corners + [0, 50], 1)
    getattr(far, kind)(corners + [0, 150], 1)
    np.testing.assert_array_equal(near.label[:200], far.label[100:])


def test_polygon_far_below_is_drawn_on_few_rows(monkeypatch):
    sizes, new = [], drawing.Image.new

    def note_size(mode, size):
        sizes.append(size)
        return new(mode, size)

    monkeypatch.setattr(drawing.Image, 'new', note_size)
    drawn = Canvas('a', (50, 4000))
    drawn.polygon([(10, 3990), (20, 3990), (20, 3995)], 1)
    assert sizes == [(22, 8)]
    assert where(drawn, 1)[0] == (10, 3990)


def test_annotation_tells_classes_of_lines_from_those_of_areas():
    drawn = canvas()
    drawn.line([(0, 0), (9, 5)], 1, 1)
    drawn.dots([(2, 2)], 2, 0)
    square = [(4, 4), (7, 4), (7, 7), (4, 7)]
    drawn.polygon(square, 255)
    assert not drawn.annotation().area_ids
    drawn.polygon(square, 3)
    drawn.mask(np.ones((2, 2), bool), (0, 0), 4)
    found = drawn.annotation()
    assert (found.line_ids, found.area_ids) == ({1, 2}, {3, 4})
