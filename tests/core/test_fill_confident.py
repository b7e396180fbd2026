"""Labels from evidence alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.fill_confident import fill_confident

from .cases import evidence_of, labels

PROPERTY = settings(max_examples=50)
SEEDS = st.integers(0, 2**32)


def random_evidence(shape, seed):
    rng = np.random.default_rng(seed)
    return evidence_of(rng.dirichlet(np.ones(8) / 8, shape), fills=True)


def two_sides(shape=(20, 30), left=0.9):
    """Returns evidence for class 0 on the left, and for 1 on the right."""
    probabilities = np.full((*shape, 2), left)
    probabilities[:, : shape[1] // 2, 1] = 1 - left
    probabilities[:, shape[1] // 2 :, 0] = 1 - left
    return evidence_of(probabilities, fills=True)


def points(shape=(20, 30), first=0, second=1):
    label = np.full(shape, 255, np.uint8)
    label[0, 0], label[0, -1] = first, second
    return label


@PROPERTY
@given(labels(), SEEDS, st.floats(0, 1))
def test_fill_confident_keeps_labelled_pixels(label, seed, threshold):
    evidence = random_evidence(label.shape, seed)
    filled = fill_confident(label, evidence, threshold)
    assert filled.dtype == np.uint8
    assert (filled[label != 255] == label[label != 255]).all()
    # Classes that the label lacks are not in question.
    assert set(np.unique(filled)) <= {*np.unique(label), 255}


@PROPERTY
@given(labels(), SEEDS, st.floats(0, 1), st.floats(0, 1))
def test_fill_confident_fills_less_at_a_higher_threshold(
    label, seed, one, other
):
    evidence = random_evidence(label.shape, seed)
    lax, strict = (
        fill_confident(label, evidence, threshold)
        for threshold in sorted((one, other))
    )
    filled = strict != 255
    assert (strict[filled] == lax[filled]).all()
    assert (fill_confident(label, evidence, 1) == label).all()


@pytest.mark.parametrize('shape', [(20, 30), (600, 801)])
def test_fill_confident_labels_where_evidence_is_confident(shape):
    filled = fill_confident(points(shape), two_sides(shape), 0.7)
    middle, edge = shape[1] // 2, shape[1] // 20
    assert (filled[:, : middle - edge] == 0).all()
    assert (filled[:, middle + edge :] == 1).all()
    unsure = fill_confident(points(shape), two_sides(shape, 0.6), 0.7)
    assert (unsure == points(shape)).all()


def test_fill_confident_weighs_classes_by_their_areas():
    label = points()
    label[0] = 0
    label[0, -1] = 1
    filled = fill_confident(label, two_sides(left=0.6), 0.7)
    # 29 pixels of class 0 for one of class 1.
    assert (filled[1:] == 0).all()


def test_fill_confident_of_one_class_fills_nothing():
    label = points(first=1)
    assert (fill_confident(label, two_sides(), 0.7) == label).all()
    # Nothing is known of the second class.
    label = points(first=1, second=200)
    assert (fill_confident(label, two_sides(), 0.7) == label).all()


def test_fill_confident_skips_evidence_that_does_not_fill():
    evidence = two_sides()._replace(fills=False)
    assert (fill_confident(points(), evidence, 0.7) == points()).all()
    none = Evidence.none((20, 30))
    assert (fill_confident(points(), none, 0.7) == points()).all()


@pytest.mark.parametrize('shape', [(1, 2), (1, 20000), (30, 1)])
def test_fill_confident_of_thin_images(shape):
    label = np.full(shape, 255, np.uint8)
    label.ravel()[[0, -1]] = 0, 1
    probabilities = np.full((*shape, 2), 0.05)
    probabilities[..., 0] = 0.95
    filled = fill_confident(label, evidence_of(probabilities, True), 0.7)
    assert (filled.ravel()[:-1] == 0).all() and filled.ravel()[-1] == 1
