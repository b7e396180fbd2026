"""Components: they partition the labelled pixels, class by class."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.spatial.distance import cdist

from mmseg_sesam.core.components import deepest_point, find_components

from .cases import labels

PROPERTY = settings(max_examples=50)
EIGHT = np.ones((3, 3), bool)


def drawn_on(shape, component):
    canvas = np.zeros(shape, bool)
    canvas[component.pixels] = True
    return canvas


def number_pixels(label, components):
    """Each pixel's component, 0 for none; fails where two overlap."""
    numbers = np.zeros(label.shape, int)
    for number, component in enumerate(components, start=1):
        assert (numbers[component.pixels] == 0).all()
        numbers[component.pixels] = number
    return numbers


@PROPERTY
@given(labels(empty=True))
def test_find_components_partitions_the_labelled_pixels(label):
    components = find_components(label)
    numbers = number_pixels(label, components)
    np.testing.assert_array_equal(numbers > 0, label != 255)
    for component in components:
        assert (label[component.pixels] == component.class_id).all()


@PROPERTY
@given(labels(empty=True))
def test_find_components_joins_exactly_connected_pixels(label):
    numbers = number_pixels(label, find_components(label))
    for class_id in (0, 7):
        own, count = ndimage.label(label == class_id, EIGHT)
        pairs = np.unique([own[own > 0], numbers[own > 0]], axis=1)
        assert pairs.shape[1] == count
        assert len(np.unique(pairs[1])) == count


@PROPERTY
@given(labels(empty=True))
def test_find_components_box_and_mask_fit_the_pixels(label):
    for component in find_components(label):
        rows, cols = component.pixels
        row0, col0, row1, col1 = component.bbox
        assert (row0, col0) == (rows.min(), cols.min())
        assert (row1, col1) == (rows.max() + 1, cols.max() + 1)
        assert component.mask.shape == (row1 - row0, col1 - col0)
        np.testing.assert_array_equal(
            drawn_on(label.shape, component)[component.slices], component.mask
        )
        assert component.area == len(rows)


@PROPERTY
@given(labels(empty=True))
def test_find_components_in_raster_order(label):
    components = find_components(label)
    firsts = [
        np.ravel_multi_index(component.pixels, label.shape)[0]
        for component in components
    ]
    assert firsts == sorted(firsts)


@PROPERTY
@given(labels(empty=True), st.integers(0, 12), st.data())
def test_find_components_min_area_drops_only_predictions(
    label, min_area, data
):
    drawn = data.draw(hnp.arrays(bool, label.shape)) & (label != 255)
    everything = find_components(label)
    kept = [
        component
        for component in everything
        if drawn[component.pixels].any() or component.area >= min_area
    ]
    found = find_components(label, drawn, min_area=min_area)
    assert [c.bbox for c in found] == [c.bbox for c in kept]
    assert [c.from_person for c in found] == [
        drawn[c.pixels].any() for c in kept
    ]
    # By default a person drew all of it, and nothing is dropped.
    assert all(component.from_person for component in everything)
    undropped = find_components(label, min_area=min_area)
    assert len(undropped) == len(everything)


def test_find_components_without_labels():
    label = np.full((5, 4), 255, np.uint8)
    assert find_components(label) == []


def test_find_components_of_one_class_that_fills_the_image():
    (component,) = find_components(np.full((6, 9), 3, np.uint8))
    assert component.bbox == (0, 0, 6, 9)
    assert component.class_id == 3
    assert component.mask.all()


def test_find_components_of_one_pixel():
    label = np.full((6, 9), 255, np.uint8)
    label[5, 8] = 0
    (component,) = find_components(label)
    assert component.bbox == (5, 8, 6, 9)
    assert component.area == 1


def test_find_components_of_a_ring_around_a_dot():
    label = np.full((9, 9), 255, np.uint8)
    label[1:8, 1:8] = 2
    label[2:7, 2:7] = 255
    label[4, 4] = 2
    ring, middle = find_components(label)
    assert (ring.area, middle.area) == (24, 1)
    assert not ring.mask[3, 3]


def test_find_components_keeps_diagonally_crossed_lines_whole():
    label = np.full((8, 8), 255, np.uint8)
    index = np.arange(8)
    label[index, index] = 1
    label[index, 7 - index] = 2
    assert [c.class_id for c in find_components(label)] == [1, 2]


@pytest.mark.parametrize('shape', [(1, -1), (-1, 1)], ids=['row', 'column'])
def test_find_components_of_an_image_of_one_line(shape):
    label = np.array([0, 0, 255, 0, 1, 0, 255, 255, 1], np.uint8)
    components = find_components(label.reshape(shape))
    assert [c.class_id for c in components] == [0, 0, 1, 0, 1]
    assert [c.area for c in components] == [2, 1, 1, 1, 1]


@PROPERTY
@given(labels((0, 255), max_side=6, empty=True))
def test_deepest_point_is_farthest_from_the_outside(label):
    mask = label == 0
    if not mask.any():
        mask[0, 0] = True
    # What lies beyond the array is background too.
    outside = np.argwhere(~np.pad(mask, 1)) - 1
    inside = np.argwhere(mask)
    depth = cdist(inside, outside).min(axis=1)
    row, col = deepest_point(mask)
    assert mask[row, col]
    first = np.flatnonzero(np.isclose(depth, depth.max()))[0]
    assert (row, col) == tuple(inside[first])


def test_find_components_of_the_first_and_the_last_class():
    label = np.array([[254, 255, 255, 0], [254, 255, 7, 255]], np.uint8)
    assert [(c.class_id, c.bbox) for c in find_components(label)] == [
        (254, (0, 0, 2, 1)),
        (0, (0, 3, 1, 4)),
        (7, (1, 2, 2, 3)),
    ]
