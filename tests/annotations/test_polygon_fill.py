"""Pixels of polygons with continuous coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_peak import with_peak
from skimage.measure import points_in_poly

from mmseg_sesam.annotations.polygon_fill import pixels_within

SIZE = 20, 14


def filled(points, size=SIZE):
    """The pixels as an image."""
    mask, (left, top) = pixels_within(np.array(points, float), size)
    image = np.zeros(size[::-1], bool)
    height, width = mask.shape
    image[top : top + height, left : left + width] = mask
    return image


@settings(max_examples=100)
@given(
    points=st.lists(
        st.tuples(st.floats(-30, 50), st.floats(-30, 50)),
        min_size=3,
        max_size=8,
    )
)
def test_pixels_within_holds_the_centres_inside(points):
    # No corner or edge of thousandths is likely to meet a centre.
    points = np.round(points, 2) + [0.00317, 0.00113]
    width, height = SIZE
    y, x = np.mgrid[:height, :width] + 0.5
    inside = points_in_poly(np.stack([x, y], -1).reshape(-1, 2), points)
    np.testing.assert_array_equal(
        filled(points), inside.reshape(height, width)
    )


@pytest.mark.parametrize('shift', [0, 0.25, 0.5, 1 / 3])
def test_pixels_within_divides_the_image_among_adjoining_polygons(shift):
    left = [[0, 0], [8 + shift, 0], [3 + shift, 14], [0, 14]]
    right = [[20, 0], [8 + shift, 0], [3 + shift, 14], [20, 14]]
    assert (filled(left) ^ filled(right)).all()


def test_pixels_within_has_the_area_of_the_polygon():
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    areas = [
        filled(5 * circle + centre).sum()
        for centre in np.random.default_rng(0).uniform(6, 8, (50, 2))
    ]
    # The polygon has 77.6.
    assert abs(np.mean(areas) - 77.6) < 0.5
    assert filled([[5, 3], [15, 3], [15, 8], [5, 8]]).sum() == 50


def test_pixels_within_gives_a_bridge_no_area():
    outer = [[1, 1], [11, 1], [11, 11], [1, 11]]
    hole = [[4.3, 4.1], [4.3, 8.2], [8.4, 8.2], [8.4, 4.1]]
    ring = [*outer, outer[0], *hole, hole[0], outer[0]]
    np.testing.assert_array_equal(filled(ring), filled(outer) ^ filled(hole))


@pytest.mark.parametrize(
    'points',
    [
        [[5, 5], [9, 5], [9, 5.2]],
        [[5.6, 3], [5.9, 3], [5.9, 9]],
        [[3, 3], [3, 3], [3, 3]],
        [[-9, 3], [-5, 3], [-5, 9]],
        [[3, 90], [9, 90], [9, 99]],
    ],
)
def test_pixels_within_may_hold_none(points):
    assert not filled(points).any()


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_pixels_within_sums_the_triangles_of_many_corners(seed):
    size = 16, 600
    # Halves meet centres.
    points = np.random.default_rng(seed).uniform(-9, 640, (2000, 2))
    points = np.round(2 * points * [0.03, 1]) / 2
    expected = np.zeros(size[::-1], bool)
    for corners in zip(points[1:], points[2:]):
        expected ^= filled([points[0], *corners], size)
    np.testing.assert_array_equal(filled(points, size), expected)


def test_pixels_within_takes_little_memory_for_many_long_edges():
    points = np.random.default_rng(0).uniform(0, 1000, (4000, 2))
    (mask, _), peak = with_peak(lambda: pixels_within(points, (1000, 1000)))
    assert 0.4 < mask.mean() < 0.6
    # The mask has 1 MiB, and the 1.3 million crossings would take 130.
    assert peak < 50 * 2**20
