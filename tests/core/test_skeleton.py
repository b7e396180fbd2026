"""Skeletons as curves: every pixel once, true lengths, simple paths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.morphology import skeletonize

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.skeleton import (
    longest_path,
    skeleton_pixels,
    walk_skeletons,
)

PROPERTY = settings(max_examples=50)
EIGHT = np.ones((3, 3), bool)


@st.composite
def masks(draw):
    """Masks of up to 24 x 24 pixels, of single pixels or of blocks."""
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
    mask = draw(hnp.arrays(bool, shape))
    return np.kron(mask, np.ones([draw(st.integers(1, 3))] * 2, bool))


def some_masks():
    return masks().filter(np.any)


def walk_skeleton(mask):
    (curve,) = walk_skeletons([mask])
    return curve


def as_set(pixels):
    return set(map(tuple, pixels.tolist()))


def draw(shape, pixels):
    canvas = np.zeros(shape, bool)
    canvas[tuple(np.transpose(pixels))] = True
    return canvas


@PROPERTY
@given(masks(), st.tuples(*[st.integers(0, 5)] * 4))
def test_skeleton_pixels_of_a_crop_equal_those_of_the_image(mask, margins):
    top, bottom, left, right = margins
    image = np.pad(mask, ((top, bottom), (left, right)))
    np.testing.assert_array_equal(
        skeleton_pixels(image), skeleton_pixels(mask) + [top, left]
    )
    padded = np.argwhere(skeletonize(np.pad(image, 1))) - 1
    np.testing.assert_array_equal(skeleton_pixels(image), padded)


@PROPERTY
@given(some_masks())
def test_skeleton_pixels_of_a_component_are_connected(mask):
    label = np.where(mask, 0, 255).astype(np.uint8)
    for component in find_components(label):
        image = draw(mask.shape, np.transpose(component.pixels))
        skeleton = skeleton_pixels(component.mask)
        assert as_set(skeleton + component.bbox[:2]) == as_set(
            skeleton_pixels(image)
        )
        thin = draw(component.mask.shape, skeleton)
        assert (thin <= component.mask).all()
        assert ndimage.label(thin, EIGHT)[1] == 1


@PROPERTY
@given(masks())
def test_walk_skeletons_visits_every_pixel_once(mask):
    curve = walk_skeleton(mask)
    visited = curve.coords.tolist()
    assert sorted(visited) == skeleton_pixels(mask).tolist()
    assert len(curve.steps) == len(visited)


@PROPERTY
@given(some_masks())
def test_walk_skeletons_steps_to_neighbours_of_visited_pixels(mask):
    curve = walk_skeleton(mask)
    starts = np.flatnonzero(curve.steps == 0)
    pieces = ndimage.label(draw(mask.shape, curve.coords), EIGHT)[1]
    assert starts[0] == 0
    assert len(starts) == pieces
    for index in np.flatnonzero(curve.steps):
        # Of the same piece: it began last.
        begin = starts[starts <= index][-1]
        offsets = curve.coords[begin:index] - curve.coords[index]
        near = offsets[np.abs(offsets).max(axis=1) == 1]
        assert curve.steps[index] in np.hypot(near[:, 0], near[:, 1])


@PROPERTY
@given(st.lists(masks(), max_size=4))
def test_walk_skeletons_walks_each_mask_by_itself(several):
    together = walk_skeletons(several)
    assert len(together) == len(several)
    for curve, mask in zip(together, several):
        alone = walk_skeleton(mask)
        np.testing.assert_array_equal(curve.coords, alone.coords)
        np.testing.assert_array_equal(curve.steps, alone.steps)


@pytest.mark.parametrize(
    'shape',
    [(140, 601), (201, 933), (850, 333)],
    ids=['small', 'wide', 'tall'],
)
def test_walk_skeletons_of_a_deep_mask_spans_it(shape):
    mask = np.pad(np.ones(shape, bool), ((0, 0), (0, 2)))
    mask[: shape[0] // 9, 100:104] = False
    curve = walk_skeleton(mask)
    assert mask[tuple(curve.coords.T)].all()
    assert len(as_set(curve.coords)) == len(curve.coords)
    assert np.count_nonzero(curve.steps == 0) == 1
    # Branches into corners may be missing.
    middle = max(shape) - min(shape)
    assert 0.9 * middle < curve.length < 2 * max(shape)


def test_walk_skeletons_of_a_deep_mask_with_a_thin_part():
    mask = np.zeros((200, 400), bool)
    mask[:, :200] = True
    mask[60, 200:] = True
    coords = walk_skeleton(mask).coords
    assert mask[tuple(coords.T)].all()
    assert coords[:, 1].max() >= 390


@pytest.mark.parametrize('length', [1, 2, 3, 17])
@pytest.mark.parametrize(
    ('step', 'scale'), [((0, 1), 1), ((1, 0), 1), ((1, 1), np.sqrt(2))]
)
def test_walk_skeletons_length_of_a_straight_line(length, step, scale):
    pixels = np.arange(length)[:, None] * step
    mask = draw(pixels[-1] + 1, pixels)
    curve = walk_skeleton(mask)
    assert curve.length == pytest.approx((length - 1) * scale)
    # From one end to the other.
    assert curve.coords.tolist() in (pixels.tolist(), pixels[::-1].tolist())


def test_walk_skeletons_length_counts_all_branches():
    mask = np.zeros((21, 41), bool)
    mask[0, :] = True
    mask[:, 20] = True
    # Thinning may cut the corner where the branches meet.
    assert walk_skeleton(mask).length == pytest.approx(60, abs=2)


def test_walk_skeletons_cuts_a_ring_open():
    row, col = np.mgrid[-12:13, -12:13]
    radius = np.hypot(row, col)
    curve = walk_skeleton((radius < 11.5) & (radius > 8.5))
    assert np.count_nonzero(curve.steps == 0) == 1
    # 8-connected steps make a circle up to 8% longer, and one is missing.
    assert 2 * np.pi * 9 < curve.length < 2 * np.pi * 10 * 1.09


def test_walk_skeletons_of_an_empty_mask():
    curve = walk_skeleton(np.zeros((4, 5), bool))
    assert curve.coords.shape == (0, 2)
    assert curve.length == 0


@PROPERTY
@given(some_masks())
def test_longest_path_is_simple_and_connected(mask):
    path = longest_path(mask)
    assert len(as_set(path)) == len(path)
    assert as_set(path) <= as_set(skeleton_pixels(mask))
    steps = np.abs(np.diff(path, axis=0))
    assert (steps.max(axis=1, initial=0) == 1).all()


@PROPERTY
@given(some_masks())
def test_longest_path_lies_in_the_largest_piece(mask):
    pixels = skeleton_pixels(mask)
    pieces, _ = ndimage.label(draw(mask.shape, pixels), EIGHT)
    sizes = np.bincount(pieces.ravel())[1:]
    own = {int(pieces[tuple(pixel)]) for pixel in longest_path(mask)}
    assert len(own) == 1
    assert sizes[own.pop() - 1] == sizes.max()


@pytest.mark.parametrize('turns', range(4))
def test_longest_path_takes_the_two_longest_arms(turns):
    mask, ends = np.zeros((2, 30, 50), bool)
    mask[20, 5:45] = True
    mask[14:20, 25] = True
    ends[20, [5, 44]] = True
    mask, ends = np.rot90(mask, turns), np.rot90(ends, turns)
    path = longest_path(mask)
    assert as_set(path[[0, -1]]) == as_set(np.argwhere(ends))
    # The walk begins there as well.
    assert ends[tuple(walk_skeleton(mask).coords[0])]


def test_longest_path_of_one_pixel():
    assert longest_path(np.ones((1, 1), bool)).tolist() == [[0, 0]]


def test_longest_path_of_a_deep_mask_crosses_a_slit():
    mask = np.ones((600, 1200), bool)
    mask[200:400, 600] = False
    path = longest_path(mask)
    steps = np.abs(np.diff(path, axis=0))
    assert (steps.max(axis=1) == 1).all()
    assert len(path) > 1200 - 600
    # At full resolution it goes around the slit.
    assert np.abs(path[:, 0] - 300).max() <= 4
