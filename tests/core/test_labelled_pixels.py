"""Labelled pixels, against plain numpy on full-size masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.labelled_pixels import LabelledPixels

from .cases import labels

PROPERTY = settings(max_examples=50)


def random_masks(label, seed, count=6):
    rng = np.random.default_rng(seed)
    shares = rng.random((count, 1, 1))
    return rng.random((count, *label.shape)) < shares


def pixels_of(pixels, index):
    own = slice(pixels.starts[index], pixels.starts[index + 1])
    return pixels.rows[own], pixels.cols[own]


@PROPERTY
@given(labels(), st.integers(1, 600))
def test_gather_takes_pixels_of_each_component(label, max_pixels):
    components = find_components(label)
    pixels = LabelledPixels.gather(components, max_pixels)
    assert len(pixels.starts) == len(components) + 1
    assert pixels.starts[-1] == len(pixels.rows)
    for index, component in enumerate(components):
        assert (label[pixels_of(pixels, index)] == component.class_id).all()
        given_pixels = list(zip(*pixels_of(pixels, index)))
        assert len(set(given_pixels)) == len(given_pixels) >= 1
        assert set(given_pixels) <= set(zip(*component.pixels))


@PROPERTY
@given(labels(), st.integers(1, 600))
def test_gather_takes_at_most_max_pixels(label, max_pixels):
    components = find_components(label)
    pixels = LabelledPixels.gather(components, max_pixels)
    assert len(pixels.rows) <= max(max_pixels, 32 * len(components))
    # Small components are not thinned for the sake of large ones.
    share = max(max_pixels // len(components), 32)
    counts = np.diff(pixels.starts)
    areas = np.array([component.area for component in components])
    assert (counts >= np.minimum(areas, share)).all()


@PROPERTY
@given(labels())
def test_gather_takes_all_of_few_pixels(label):
    components = find_components(label)
    number = np.count_nonzero(label != 255)
    pixels = LabelledPixels.gather(components, number)
    image = np.zeros_like(label, int)
    np.add.at(image, (pixels.rows, pixels.cols), 1)
    np.testing.assert_array_equal(image, label != 255)


@PROPERTY
@given(labels(), st.integers(0, 2**32), st.integers(1, 600))
def test_gather_does_not_depend_on_the_order_of_components(
    label, seed, max_pixels
):
    components = find_components(label)
    order = np.random.default_rng(seed).permutation(len(components))
    before = LabelledPixels.gather(components, max_pixels)
    after = LabelledPixels.gather([components[i] for i in order], max_pixels)
    for place, index in enumerate(order):
        np.testing.assert_array_equal(
            pixels_of(after, place), pixels_of(before, index)
        )


@PROPERTY
@given(labels(), st.integers(0, 10**6))
def test_shares_are_exact_on_all_pixels(label, seed):
    components = find_components(label)
    pixels = LabelledPixels.gather(components)
    masks = random_masks(label, seed)
    shares = pixels.shares(masks[:, pixels.rows, pixels.cols])
    assert shares.shape == (len(masks), len(components))
    for index, component in enumerate(components):
        own = np.zeros(label.shape, bool)
        own[component.pixels] = True
        expected = (masks & own).sum(axis=(1, 2)) / own.sum()
        # Shares are compared with limits: no rounding beyond float32.
        np.testing.assert_array_equal(
            shares[:, index], expected.astype(np.float32)
        )


@pytest.mark.parametrize('max_pixels', [512, 1000, 1024])
def test_shares_are_close_on_sampled_pixels_of_any_width(max_pixels):
    label = np.full((256, 512), 255, np.uint8)
    label[:, :256] = 0
    label[:, 300:500] = 1
    components = find_components(label)
    pixels = LabelledPixels.gather(components, max_pixels)
    assert len(pixels.rows) <= max_pixels
    row, col = np.mgrid[:256, :512]
    masks = np.stack([col < 128, row < 64, col >= 64, col % 8 < 2])
    shares = pixels.shares(masks[:, pixels.rows, pixels.cols])
    np.testing.assert_allclose(
        shares[:, 0], [0.5, 0.25, 0.75, 0.25], atol=0.08
    )
    other = (masks & (label == 1)).sum(axis=(1, 2)) / (label == 1).sum()
    np.testing.assert_allclose(shares[:, 1], other, atol=0.08)


def test_shares_of_a_small_component_beside_a_large_one():
    label = np.full((200, 200), 255, np.uint8)
    label[:100] = 0
    label[150, :30] = 1
    pixels = LabelledPixels.gather(find_components(label), max_pixels=400)
    inside = np.zeros((1, 200, 200), bool)
    inside[0, 150, :15] = True
    shares = pixels.shares(inside[:, pixels.rows, pixels.cols])
    assert shares.tolist() == [[0, 0.5]]


def test_gather_gives_large_components_what_small_ones_leave():
    label = np.full((300, 300), 255, np.uint8)
    label[:100] = 0
    label[150, 100:] = 1
    label[200::2, ::2] = 2
    pixels = LabelledPixels.gather(find_components(label), max_pixels=8192)
    clicks = 50 * 150
    counts = np.diff(pixels.starts)
    assert sorted(counts) == [*[1] * clicks, 200, 8192 - clicks - 200]


def test_gather_shares_equally_between_large_components():
    label = np.full((300, 300), 255, np.uint8)
    label[:100], label[150:200], label[220:] = 0, 1, 2
    pixels = LabelledPixels.gather(find_components(label), max_pixels=1000)
    assert np.diff(pixels.starts).tolist() == [333, 333, 333]


def test_shares_of_no_mask():
    pixels = LabelledPixels.gather(find_components(np.eye(2, dtype=np.uint8)))
    assert pixels.shares(np.zeros((0, 4), bool)).shape == (0, 2)


def test_shares_without_components():
    pixels = LabelledPixels.gather([])
    assert len(pixels.rows) == 0 and pixels.starts.tolist() == [0]
    assert pixels.shares(np.zeros((3, 0), bool)).shape == (3, 0)


@PROPERTY
@given(labels(), st.integers(0, 2**32))
def test_of_takes_the_pixels_of_some_components(label, seed):
    pixels = LabelledPixels.gather(find_components(label), 64)
    number = len(pixels.starts) - 1
    places = np.flatnonzero(np.random.default_rng(seed).random(number) < 0.5)
    some = pixels.select(places)
    assert len(some.starts) == len(places) + 1
    for index, place in enumerate(places):
        np.testing.assert_array_equal(
            pixels_of(some, index), pixels_of(pixels, place)
        )
