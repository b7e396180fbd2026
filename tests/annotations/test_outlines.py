"""Outlines of label maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import gaussian_filter
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.outlines import (
    outlines_in_order,
    separate_outlines,
    trace_rings,
)

LABELS = arrays(
    np.uint8,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.sampled_from([0, 1, 2, 255]),
)


def draw(outlines, shape):
    canvas = Canvas('a', shape[::-1])
    for outline in outlines:
        canvas.polygon(outline.joined, outline.class_id)
    return canvas.label


@given(label=LABELS)
def test_outlines_in_order_give_the_label(label):
    outlines = outlines_in_order(label, 0)
    np.testing.assert_array_equal(draw(outlines, label.shape), label)


def test_outlines_in_order_cover_holes_by_later_outlines():
    label = np.zeros((9, 9), np.uint8)
    label[2:7, 2:7] = 255
    label[4, 4] = 1
    found = outlines_in_order(label, 0)
    assert [outline.class_id for outline in found] == [0, 255, 1]
    assert not any(outline.holes for outline in found)


def test_outlines_in_order_leave_out_unlabelled_ground():
    label = np.full((9, 9), 255, np.uint8)
    label[2:7, 2:7] = 1
    assert [o.class_id for o in outlines_in_order(label, 0)] == [1]


def test_outlines_in_order_keep_holes_of_larger_components():
    """Two rings that cross at a corner: neither lies within the other."""
    label = np.full((12, 12), 255, np.uint8)
    label[:6, :6] = 0
    label[1:5, 1:5] = 1
    label[5, 5] = 1
    label[6:, 6:] = 1
    outlines = outlines_in_order(label, 0)
    np.testing.assert_array_equal(draw(outlines, label.shape), label)


def test_separate_outlines_have_holes():
    label = np.zeros((9, 9), np.uint8)
    label[2:4, 2:7] = label[6, 6] = 255
    label[7, 1] = 1
    large, small = separate_outlines(label, 0)
    assert (large.class_id, small.class_id) == (0, 1)
    assert len(large.holes) == 3 and not small.holes


def around(ring):
    """Length of a ring."""
    return np.hypot(*(ring - np.roll(ring, 1, axis=0)).T).sum()


@pytest.mark.parametrize('tolerance', [0, 1])
@pytest.mark.parametrize('share', [0.6, 0.9])
def test_joined_has_the_shortest_bridges(share, tolerance):
    """Each one leads there and back; holes may touch at a corner."""
    mask = np.random.default_rng(0).random((40, 50)) < share
    label = np.where(mask, 0, 255).astype(np.uint8)
    outlines = separate_outlines(label, tolerance)
    outline = max(outlines, key=lambda found: len(found.holes))
    rings = [outline.outer, *outline.holes]
    gaps = [[cdist(one, two).min() for two in rings] for one in rings]
    # A gap of zero would be no bridge.
    bridges = minimum_spanning_tree(np.add(gaps, 1)).data - 1
    found = outline.joined
    assert len(found) == sum(map(len, rings)) + 2 * len(bridges)
    assert {*map(tuple, found)} == {*map(tuple, np.concatenate(rings))}
    length = sum(map(around, rings)) + 2 * bridges.sum()
    assert around(found) == pytest.approx(length)


def test_joined_keeps_thousands_of_holes():
    label = np.zeros((250, 250), np.uint8)
    label[1:-1:4, 1:-1:4] = 255
    (outline,) = separate_outlines(label, 0)
    assert len(outline.holes) == 62 * 62
    np.testing.assert_array_equal(draw([outline], label.shape), label)


@pytest.mark.parametrize('tolerance', [1, 2.5, 50])
@given(label=LABELS)
def test_separate_outlines_have_three_corners(tolerance, label):
    for outline in separate_outlines(label, tolerance):
        for ring in (outline.outer, *outline.holes):
            assert len(np.unique(ring, axis=0)) >= 3


def distances(points, ring):
    """Distance of each point to the lines of a ring."""
    along = np.roll(ring, -1, axis=0) - ring
    way = points[:, None] - ring
    share = (way * along).sum(2) / np.square(along).sum(1)
    rest = way - share.clip(0, 1)[..., None] * along
    return np.hypot(*rest.transpose(2, 0, 1)).min(1)


@pytest.mark.parametrize('tolerance', [1, 3])
def test_separate_outlines_stay_within_the_tolerance(tolerance):
    noise = np.random.default_rng(0).random((80, 80))
    label = np.where(gaussian_filter(noise, 2) > 0.5, 0, 255).astype(np.uint8)
    pairs = zip(
        separate_outlines(label, 0), separate_outlines(label, tolerance)
    )
    for exact, coarse in pairs:
        for ring, kept in zip(
            (exact.outer, *exact.holes), (coarse.outer, *coarse.holes)
        ):
            assert distances(ring, kept).max() <= tolerance + 1e-9
            assert {*map(tuple, kept)} <= {*map(tuple, ring)}


def test_separate_outlines_leave_out_corners_within_the_tolerance():
    label = np.full((40, 60), 255, np.uint8)
    for row in range(30):
        label[row, : 10 + row] = 3
    (exact,) = separate_outlines(label, 0)
    (coarse,) = separate_outlines(label, 1)
    assert len(exact.outer) > 50 and len(coarse.outer) <= 5
    # Nothing is lost at the border of the image.
    assert (coarse.outer.min(0) == exact.outer.min(0)).all()


def test_trace_rings_of_pixels_that_touch_at_a_corner():
    (ring,) = trace_rings(np.eye(2, dtype=bool))
    assert {*map(tuple, np.floor(ring).tolist())} == {(0, 0), (1, 1)}
