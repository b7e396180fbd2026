"""LabelledPixels: labelled pixels, and what masks hold of them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.labelled_pixels import LabelledPixels, find_rivals
from mmseg_sesam.core.selection import measure_mask

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
    rivals = find_rivals(components, one_component_per_object)
    return LabelledPixels.gather(components, rivals, max_pixels)


def random_masks(label, seed, count=6):
    rng = np.random.default_rng(seed)
    shares = rng.random((count, 1, 1))
    return rng.random((count, *label.shape)) < shares


def pixels_of(evidence, owner):
    own = slice(evidence.starts[owner], evidence.starts[owner + 1])
    return evidence.rows[own], evidence.cols[own]


@PROPERTY
@given(labels(), st.integers(1, 600), st.integers(0, 2))
def test_each_component_gives_pixels_of_its_own(label, max_pixels, radius):
    components = find_components(label, closing_radius=radius)
    evidence = gather(components, max_pixels)
    assert len(evidence.starts) == len(components) + 1
    assert evidence.starts[-1] == len(evidence.rows)
    for owner, component in enumerate(components):
        assert (label[pixels_of(evidence, owner)] == component.class_id).all()
        given_pixels = list(zip(*pixels_of(evidence, owner)))
        assert len(set(given_pixels)) == len(given_pixels) >= 1
        assert set(given_pixels) <= set(zip(*component.pixels))


@PROPERTY
@given(labels(), st.integers(1, 600))
def test_weights_sum_to_the_areas(label, max_pixels):
    components = find_components(label)
    evidence = gather(components, max_pixels)
    sums = np.add.reduceat(evidence.weights, evidence.starts[:-1])
    areas = [component.area for component in components]
    np.testing.assert_allclose(sums, areas, rtol=1e-5)


@PROPERTY
@given(labels(), st.integers(1, 600))
def test_evidence_is_bounded(label, max_pixels):
    components = find_components(label)
    evidence = gather(components, max_pixels)
    assert len(evidence.rows) <= max(max_pixels, 32 * len(components))
    # Small components are not thinned for the sake of large ones.
    share = max(max_pixels // len(components), 32)
    counts = np.diff(evidence.starts)
    areas = np.array([component.area for component in components])
    assert (counts >= np.minimum(areas, share)).all()


@PROPERTY
@given(labels())
def test_few_pixels_are_all_taken(label):
    components = find_components(label)
    evidence = gather(components, np.count_nonzero(label != 255))
    image = np.zeros_like(label, int)
    np.add.at(image, (evidence.rows, evidence.cols), 1)
    np.testing.assert_array_equal(image, label != 255)
    assert (evidence.weights == 1).all()


@PROPERTY
@given(labels(), st.integers(0, 10**6))
def test_coverage_and_conflict_are_exact_when_not_thinned(label, seed):
    components = find_components(label)
    evidence = gather(components)
    masks = random_masks(label, seed)
    hits = masks[:, evidence.rows, evidence.cols]
    for owner, component in enumerate(components):
        own = np.zeros(label.shape, bool)
        own[component.pixels] = True
        other = (label != 255) & (label != component.class_id)
        coverage = [(mask & own).sum() / own.sum() for mask in masks]
        conflict = [
            (mask & other).sum() / max((mask & (label != 255)).sum(), 1)
            for mask in masks
        ]
        # Shares are compared with thresholds: no rounding, not even 1e-8.
        assert evidence.coverage(hits, owner).tolist() == coverage
        assert evidence.conflict(hits, owner).tolist() == conflict


@pytest.mark.parametrize('max_pixels', [512, 1000, 1024])
def test_thinning_keeps_shares_whatever_the_width_of_a_component(max_pixels):
    label = np.full((256, 512), 255, np.uint8)
    label[:, :256] = 0
    label[:, 300:500] = 1
    components = find_components(label)
    evidence = gather(components, max_pixels)
    assert len(evidence.rows) <= max_pixels
    row, col = np.mgrid[:256, :512]
    masks = np.stack([col < 128, row < 64, col >= 64, col % 8 < 2])
    hits = masks[:, evidence.rows, evidence.cols]
    np.testing.assert_allclose(
        evidence.coverage(hits, 0), [0.5, 0.25, 0.75, 0.25], atol=0.08
    )
    other = (masks & (label == 1)).sum(axis=(1, 2))
    labelled = (masks & (label != 255)).sum(axis=(1, 2))
    np.testing.assert_allclose(
        evidence.conflict(hits, 0), other / labelled, atol=0.08
    )


def test_small_components_count_by_their_area_beside_large_ones():
    label = np.full((200, 200), 255, np.uint8)
    label[:100] = 0
    label[150:152, :50] = 1
    evidence = gather(find_components(label), max_pixels=400)
    hits = np.ones((1, len(evidence.rows)), bool)
    np.testing.assert_allclose(
        evidence.conflict(hits, 0), [100 / 20100], rtol=1e-5
    )


@PROPERTY
@given(labels(), st.integers(0, 10**6))
def test_with_a_mark_per_object_all_that_others_drew_is_conflict(label, seed):
    """What nobody drew is of its class, and of no object."""
    rng = np.random.default_rng(seed)
    components = find_components(
        label, from_person=rng.random(label.shape) < 0.5
    )
    evidence = gather(components, one_component_per_object=True)
    masks = random_masks(label, seed)
    hits = masks[:, evidence.rows, evidence.cols]
    for owner, component in enumerate(components):
        rival = (label != 255) & (label != component.class_id)
        for index, other in enumerate(components):
            if index != owner and other.from_person and component.from_person:
                rival[other.pixels] = True
        conflict = [
            (mask & rival).sum() / max((mask & (label != 255)).sum(), 1)
            for mask in masks
        ]
        assert evidence.conflict(hits, owner).tolist() == conflict
        same = [
            other
            for other, rivals in zip(components, evidence.rivals[owner])
            if rivals and other.class_id == component.class_id
        ]
        measured = [
            measure_mask(m, component, label, 255, same) for m in masks
        ]
        assert [conflict for _, conflict in measured] == conflict


def test_a_mask_without_labelled_pixels_has_no_conflict():
    label = np.array([[0, 1, 255]], np.uint8)
    evidence = gather(find_components(label))
    assert evidence.conflict(np.zeros((1, 2), bool), 0).tolist() == [0]
