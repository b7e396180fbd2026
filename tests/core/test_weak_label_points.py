"""Simulated points that miss their object, or lie all over the image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mmseg_sesam.core.weak_labels import (
    WeakLabelSimulator,
    points,
    shapes,
)

PROPERTY = settings(max_examples=40)
IMAGE_KINDS = ('random_points', 'grid_points')
image_kinds = st.sampled_from(IMAGE_KINDS)


def squares(rows=8, size=20, border=4):
    """Squares of class 1 in class 0, one in each cell of a grid."""
    cell = np.zeros((size, size), np.uint8)
    cell[border:-border, border:-border] = 1
    return np.tile(cell, (rows, rows))


def clicks(label, **options):
    simulate = WeakLabelSimulator('point', dot_radius=0, **options)
    return simulate(label, 0)


@pytest.mark.parametrize('rate', [0.1, 0.5])
def test_point_misses_at_its_rate(rate):
    label = squares()
    ones = np.concatenate(
        [label[clicks(label, seed=s, miss_rate=rate) == 1] for s in range(10)]
    )
    # A missed click may be under another one.
    assert 630 <= len(ones) <= 640
    assert abs((ones == 0).mean() - rate) < 0.05


def test_point_misses_lie_near_their_object():
    label = np.zeros((200, 200), np.uint8)
    label[90:110, 90:110] = 1
    distance = ndimage.distance_transform_edt(label == 0)
    places = [
        np.argwhere(clicks(label, seed=seed, miss_rate=0.9) == 1)
        for seed in range(60)
    ]
    found = distance[tuple(np.concatenate(places).T)]
    assert (found > 0).mean() > 0.75
    # Half the square root of its area.
    assert 5 < found.max() <= 10


@PROPERTY
@given(
    st.integers(0, 99),
    st.floats(0.01, 0.99),
    st.integers(0, 3),
    st.integers(1, 5),
)
def test_point_misses_keep_off_void_and_their_own_class(
    seed, rate, radius, number
):
    label = squares(3)
    label[:, 28:33] = 255
    options = dict(max_points=number, dot_radius=radius, seed=seed)
    weak = WeakLabelSimulator('point', miss_rate=rate, **options)(label, 0)
    right = WeakLabelSimulator('point', **options)(label, 0)
    assert (weak[label == 255] == 255).all()
    # Dots that do not miss stay where they were.
    kept = (weak != 255) & (weak == label)
    assert (right[kept] == weak[kept]).all()


def test_point_misses_look_at_their_surroundings_alone(monkeypatch):
    looked = []

    def count_pixels(module, name):
        function = getattr(module, name)

        def counting(first, *others):
            looked.append(np.prod(getattr(first, 'shape', first)))
            return function(first, *others)

        monkeypatch.setattr(module, name, counting)

    count_pixels(points, 'distance_transform_edt')
    count_pixels(shapes, 'stamp')
    label = squares(20, size=60, border=25)
    clicks(label, miss_rate=0.9)
    # The whole image for each of 400 squares would be 400 times its pixels.
    assert len(looked) > 400
    assert sum(looked) < 4 * label.size


def test_point_without_another_class_cannot_miss():
    label = np.zeros((30, 30), np.uint8)
    label[:, 10:20] = 255
    weak = clicks(label, miss_rate=0.99)
    assert (weak == 0).sum() == 2
    assert (label[weak == 0] == 0).all()


@PROPERTY
@given(image_kinds, st.integers(1, 200), st.integers(0, 99))
def test_image_points_have_their_number(kind, number, seed):
    label = np.zeros((40, 60), np.uint8)
    simulate = WeakLabelSimulator(
        kind, seed, image_points=number, dot_radius=0
    )
    found = (simulate(label, 0) == 0).sum()
    if kind == 'random_points':
        assert found == number
    else:
        # Cells of a grid are whole: about as many.
        assert 0.6 * number <= found <= 1.5 * number + 1


@pytest.mark.parametrize('kind', IMAGE_KINDS)
def test_image_points_show_the_shares_of_classes(kind):
    label = np.zeros((50, 50), np.uint8)
    label[:, 40:] = 1
    label[:5] = 255
    found = np.concatenate(
        [
            weak[weak != 255]
            for seed in range(40)
            for weak in [
                WeakLabelSimulator(kind, seed, dot_radius=0)(label, 0)
            ]
        ]
    )
    assert abs((found == 1).mean() - 0.2) < 0.03
    # A tenth of the image is void.
    assert abs(len(found) / (40 * 50) - 0.9) < 0.05


@pytest.mark.parametrize('kind', IMAGE_KINDS)
def test_image_points_hold_more_than_the_image_has_pixels(kind):
    label = np.ones((3, 4), np.uint8)
    simulate = WeakLabelSimulator(kind, image_points=99)
    np.testing.assert_array_equal(simulate(label, 0), label)


@pytest.mark.parametrize('number', [1, 5, 50, 200])
@pytest.mark.parametrize('turns', range(2))
def test_grid_points_of_a_thin_image_have_their_number(number, turns):
    label = np.rot90(np.zeros((10, 1000), np.uint8), turns)
    simulate = WeakLabelSimulator(
        'grid_points', image_points=number, dot_radius=0
    )
    assert (simulate(label, 0) == 0).sum() == number


def test_grid_points_have_equal_distances():
    label = np.zeros((60, 90), np.uint8)
    simulate = WeakLabelSimulator('grid_points', image_points=54, dot_radius=0)
    rows, cols = np.nonzero(simulate(label, 0) == 0)
    for axis, cells in ((rows, 6), (cols, 9)):
        places = np.unique(axis)
        assert len(places) == cells
        assert set(np.diff(places)) == {10}


def test_image_points_draw_dots_of_one_class():
    label = np.zeros((40, 40), np.uint8)
    label[:, 20:] = 1
    simulate = WeakLabelSimulator(
        'random_points', image_points=40, dot_radius=4
    )
    weak = simulate(label, 0)
    drawn = weak != 255
    assert drawn.sum() > 400
    np.testing.assert_array_equal(weak[drawn], label[drawn])
