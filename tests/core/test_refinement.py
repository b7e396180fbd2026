"""Enrichment: confident predictions join where nothing is labelled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.refinement import class_thresholds, enrich

PROPERTY = settings(max_examples=50)
# Of both sides of a threshold, and exactly on it.
PROBABILITIES = [0.0, 0.3, 0.69, 0.7, 0.9, 0.95, 1.0]
TAU = st.sampled_from(PROBABILITIES)
TAUS = st.one_of(TAU, st.lists(TAU, min_size=3, max_size=3))


@st.composite
def predictions(draw):
    """A weak label, the predicted classes and their probability."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=8))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    values = st.sampled_from([dtype(value) for value in PROBABILITIES])
    return (
        draw(
            hnp.arrays(
                np.uint8, shape, elements=st.sampled_from([0, 1, 2, 255, 255])
            )
        ),
        draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 2))),
        draw(hnp.arrays(dtype, shape, elements=values)),
    )


@PROPERTY
@given(predictions(), TAUS)
def test_enrich_adds_exactly_the_confident_predictions(opinion, tau):
    weak, prediction, probability = opinion
    expected = weak.copy()
    enriched = enrich(weak, prediction, probability, tau)
    np.testing.assert_array_equal(weak, expected)
    for row, col in np.argwhere(weak == 255):
        class_id = prediction[row, col]
        least = tau[class_id] if isinstance(tau, list) else tau
        if probability[row, col] >= probability.dtype.type(least):
            expected[row, col] = class_id
    np.testing.assert_array_equal(enriched, expected)
    assert enriched.dtype == np.uint8


@pytest.mark.parametrize('tau', PROBABILITIES)
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_enrich_adds_a_probability_of_exactly_tau(tau, dtype):
    weak = np.full((1, 2), 255, np.uint8)
    probability = np.array([[tau, np.nextafter(dtype(tau), dtype(-1))]], dtype)
    for taus in (tau, [0.0, tau]):
        enriched = enrich(weak, np.ones((1, 2), int), probability, taus)
        assert enriched.tolist() == [[1, 255]]


@PROPERTY
@given(
    hnp.arrays(np.float32, (12, 3), elements=st.floats(0, 1, width=32)), TAUS
)
def test_class_thresholds_keep_half_of_each_predicted_class(pixels, tau):
    thresholds = class_thresholds(pixels, tau)
    taus = np.broadcast_to(tau, 3)
    assert (thresholds <= taus).all()
    best, ids = pixels.max(axis=1), pixels.argmax(axis=1)
    for class_id in range(3):
        of_class = best[ids == class_id]
        kept = (of_class >= thresholds[class_id]).sum()
        assert kept >= len(of_class) / 2
        # A class that is confident in more than half has no other threshold.
        confident = (of_class >= taus[class_id]).sum()
        if not len(of_class) or confident > len(of_class) / 2:
            assert thresholds[class_id] == taus[class_id]


def test_class_thresholds_leave_out_undefined_pixels():
    pixels = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    undefined = np.full((1, 2), np.nan)
    thresholds = class_thresholds(np.concatenate([pixels, undefined]), 0.95)
    assert thresholds.tolist() == class_thresholds(pixels, 0.95).tolist()
    assert class_thresholds(undefined, 0.95).tolist() == [0.95, 0.95]
