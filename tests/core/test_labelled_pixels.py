"""Labelled pixels, against plain numpy on full-size masks."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.labelled_pixels import (
    LabelledPixels,
    find_exclusive,
    measure_mask,
)

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)


@st.composite
def labels(draw):
    """Labels of up to 24 x 24 pixels with at least one labelled one."""
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
    elements = st.sampled_from([0, 3, 7, 255, 255])
    label = draw(hnp.arrays(np.uint8, shape, elements=elements))
    assume((label != 255).any())
    return np.kron(label, np.ones([draw(st.integers(1, 3))] * 2, np.uint8))


def gather(components, max_pixels=8192, one_component_per_object=False):
    exclusive = find_exclusive(components, one_component_per_object)
    return LabelledPixels.gather(components, exclusive, max_pixels)


def random_masks(label, seed, count=6):
    rng = np.random.default_rng(seed)
    shares = rng.random((count, 1, 1))
    return rng.random((count, *label.shape)) < shares


def pixels_of(pixels, index):
    own = slice(pixels.starts[index], pixels.starts[index + 1])
    return pixels.rows[own], pixels.cols[own]


@PROPERTY
@given(labels(), st.integers(1, 600), st.integers(0, 2))
def test_gather_takes_pixels_of_each_component(label, max_pixels, radius):
    components = find_components(label, closing_radius=radius)
    pixels = gather(components, max_pixels)
    assert len(pixels.starts) == len(components) + 1
    assert pixels.starts[-1] == len(pixels.rows)
    for index, component in enumerate(components):
        assert (label[pixels_of(pixels, index)] == component.class_id).all()
        given_pixels = list(zip(*pixels_of(pixels, index)))
        assert len(set(given_pixels)) == len(given_pixels) >= 1
        assert set(given_pixels) <= set(zip(*component.pixels))


@PROPERTY
@given(labels(), st.integers(1, 600))
def test_gather_weights_sum_to_the_areas(label, max_pixels):
    components = find_components(label)
    pixels = gather(components, max_pixels)
    sums = np.add.reduceat(pixels.weights, pixels.starts[:-1])
    areas = [component.area for component in components]
    np.testing.assert_allclose(sums, areas, rtol=1e-5)


@PROPERTY
@given(labels(), st.integers(1, 600))
def test_gather_takes_at_most_max_pixels(label, max_pixels):
    components = find_components(label)
    pixels = gather(components, max_pixels)
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
    pixels = gather(components, np.count_nonzero(label != 255))
    image = np.zeros_like(label, int)
    np.add.at(image, (pixels.rows, pixels.cols), 1)
    np.testing.assert_array_equal(image, label != 255)
    assert (pixels.weights == 1).all()


@PROPERTY
@given(labels(), st.integers(0, 10**6))
def test_measure_is_exact_on_all_pixels(label, seed):
    components = find_components(label)
    pixels = gather(components)
    masks = random_masks(label, seed)
    inside = masks[:, pixels.rows, pixels.cols]
    for index, component in enumerate(components):
        own = np.zeros(label.shape, bool)
        own[component.pixels] = True
        other = (label != 255) & (label != component.class_id)
        coverage = [(mask & own).sum() / own.sum() for mask in masks]
        conflict = [
            (mask & other).sum() / max((mask & (label != 255)).sum(), 1)
            for mask in masks
        ]
        # Shares are compared with thresholds: no rounding, not even 1e-8.
        assert pixels.measure(inside, index)[0].tolist() == coverage
        assert pixels.measure(inside, index)[1].tolist() == conflict


@pytest.mark.parametrize('max_pixels', [512, 1000, 1024])
def test_measure_is_close_on_sampled_pixels_of_any_width(max_pixels):
    label = np.full((256, 512), 255, np.uint8)
    label[:, :256] = 0
    label[:, 300:500] = 1
    components = find_components(label)
    pixels = gather(components, max_pixels)
    assert len(pixels.rows) <= max_pixels
    row, col = np.mgrid[:256, :512]
    masks = np.stack([col < 128, row < 64, col >= 64, col % 8 < 2])
    inside = masks[:, pixels.rows, pixels.cols]
    np.testing.assert_allclose(
        pixels.measure(inside, 0)[0], [0.5, 0.25, 0.75, 0.25], atol=0.08
    )
    other = (masks & (label == 1)).sum(axis=(1, 2))
    labelled = (masks & (label != 255)).sum(axis=(1, 2))
    np.testing.assert_allclose(
        pixels.measure(inside, 0)[1], other / labelled, atol=0.08
    )


def test_measure_weights_small_components_by_area():
    label = np.full((200, 200), 255, np.uint8)
    label[:100] = 0
    label[150:152, :50] = 1
    pixels = gather(find_components(label), max_pixels=400)
    inside = np.ones((1, len(pixels.rows)), bool)
    np.testing.assert_allclose(
        pixels.measure(inside, 0)[1], [100 / 20100], rtol=1e-5
    )


@PROPERTY
@given(labels(), st.integers(0, 10**6))
def test_measure_with_one_component_per_object(label, seed):
    """Predicted components are of no object, and exclude other classes."""
    rng = np.random.default_rng(seed)
    components = find_components(
        label, from_person=rng.random(label.shape) < 0.5
    )
    pixels = gather(components, one_component_per_object=True)
    masks = random_masks(label, seed)
    inside = masks[:, pixels.rows, pixels.cols]
    for index, component in enumerate(components):
        exclusive = (label != 255) & (label != component.class_id)
        for other in components:
            both = other.from_person and component.from_person
            if other is not component and both:
                exclusive[other.pixels] = True
        conflict = [
            (mask & exclusive).sum() / max((mask & (label != 255)).sum(), 1)
            for mask in masks
        ]
        assert pixels.measure(inside, index)[1].tolist() == conflict
        same = [
            other
            for other, excluded in zip(components, pixels.exclusive[index])
            if excluded and other.class_id == component.class_id
        ]
        measured = [
            measure_mask(m, component, label, 255, same) for m in masks
        ]
        assert [conflict for _, conflict in measured] == conflict


def test_measure_of_a_mask_without_labelled_pixels():
    label = np.array([[0, 1, 255]], np.uint8)
    pixels = gather(find_components(label))
    assert pixels.measure(np.zeros((1, 2), bool), 0)[1].tolist() == [0]


def test_gather_and_measure_without_components():
    pixels = gather([])
    assert len(pixels.rows) == 0 and pixels.exclusive.shape == (0, 0)


@PROPERTY
@given(labels(), st.integers(0, 10**6))
def test_measure_mask_is_exact(label, seed):
    labelled = label != 255
    for component in find_components(label):
        own = np.zeros(label.shape, bool)
        own[component.pixels] = True
        other = labelled & (label != component.class_id)
        for mask in random_masks(label, seed):
            assert measure_mask(mask, component, label) == (
                (mask & own).sum() / own.sum(),
                (mask & other).sum() / max((mask & labelled).sum(), 1),
            )


def test_measure_mask_with_another_ignore_index():
    label = np.array([[0, 0, 3, 3, 7]], np.uint8)
    (three, seven) = find_components(label, ignore_index=0)
    mask = np.array([[1, 1, 1, 0, 1]], bool)
    assert measure_mask(mask, three, label, ignore_index=0) == (0.5, 0.5)
    assert measure_mask(mask, seven, label, ignore_index=0) == (1, 0.5)
