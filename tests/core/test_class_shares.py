"""Shares of pixels against those of weak labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.class_shares import (
    fit_constants,
    match_weak_labels,
    standard_errors,
)
from mmseg_sesam.io.class_shares import ClassShares

PROPERTY = settings(max_examples=50)


def softmax(logits):
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def test_standard_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(0)
    samples = rng.multinomial(300, [0.2, 0.79, 0.01], 4000)
    found = standard_errors(np.array([60, 237, 3]))
    np.testing.assert_allclose(found, samples.std(axis=0) / 300, rtol=0.05)


def test_standard_errors_of_a_class_without_a_pixel_are_above_0():
    errors = standard_errors(np.array([300, 0]))
    assert errors[1] == pytest.approx(1 / 300, rel=0.01)


def match(values, counts, pixels=0):
    shares = ClassShares(np.array(values, float), pixels, 'shares')
    return match_weak_labels(shares, np.array(counts), ('a', 'b', 'c'))


def test_match_weak_labels_returns_both_shares():
    pixels, weak = match([0.7, 0.2, 0.1], [1, 1, 2])
    np.testing.assert_allclose(pixels, [0.7, 0.2, 0.1])
    np.testing.assert_allclose(weak, [0.25, 0.25, 0.5])


def test_match_weak_labels_gives_rare_sampled_classes_half_a_pixel():
    pixels, _ = match([0.8, 0.2, 0], [1, 1, 2], pixels=100)
    np.testing.assert_allclose(pixels[2], 0.5 / 100, rtol=0.01)
    assert pixels.sum() == pytest.approx(1)


def test_match_weak_labels_leaves_out_classes_that_nobody_has():
    pixels, weak = match([0.8, 0.2, 0], [1, 3, 0])
    np.testing.assert_allclose(pixels, [0.8, 0.2, 0])
    np.testing.assert_allclose(weak, [0.25, 0.75, 0])


def test_match_weak_labels_refuses_share_0_of_a_labelled_class():
    with pytest.raises(ValueError, match="share 0 for the class 'c'"):
        match([0.8, 0.2, 0], [1, 3, 1])


def test_match_weak_labels_gives_classes_without_weak_labels_share_0():
    pixels, weak = match([0.6, 0.2, 0.2], [1, 0, 3], pixels=300)
    np.testing.assert_allclose(pixels, [0.75, 0, 0.25])
    np.testing.assert_allclose(weak, [0.25, 0, 0.75])


def test_match_weak_labels_refuses_a_set_without_weak_labels():
    with pytest.raises(ValueError, match='No image of the training set'):
        match([0.6, 0.2, 0.2], [0, 0, 0])


@PROPERTY
@given(st.integers(0, 999), st.integers(2, 12), st.floats(0.1, 4))
def test_fit_constants_gives_predictions_the_shares(seed, classes, scale):
    rng = np.random.default_rng(seed)
    logits = scale * rng.standard_normal((200, classes))
    shares = rng.dirichlet(np.full(classes, 2.0)).clip(1e-3)
    shares /= shares.sum()
    constants = fit_constants(logits, shares)
    means = softmax(logits + constants).mean(axis=0)
    np.testing.assert_allclose(means, shares, rtol=0.02)


def test_fit_constants_leaves_out_classes_of_share_0():
    logits = np.random.default_rng(0).standard_normal((50, 3))
    constants = fit_constants(logits, np.array([0.9, 0, 0.1]))
    assert constants[1] == 0
    means = softmax((logits + constants)[:, [0, 2]]).mean(axis=0)
    np.testing.assert_allclose(means, [0.9, 0.1], rtol=0.01)


def test_fit_constants_does_not_depend_on_constants_of_the_logits():
    logits = np.random.default_rng(0).standard_normal((50, 3))
    shares = np.array([0.5, 0.3, 0.2])
    moved = fit_constants(logits + [3, -2, 0], shares) + [3, -2, 0]
    difference = moved - fit_constants(logits, shares)
    np.testing.assert_allclose(difference, difference.mean(), atol=0.01)
