"""Filling of holes, with and without evidence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from memory_peak import with_peak

from mmseg_sesam.core.evidence import Evidence, spread_pixels
from mmseg_sesam.core.fill_holes import fill_holes

from .cases import evidence_of

PROPERTY = settings(max_examples=50)
LABELS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([0, 1, 255]),
)


# Evidence that lies in no hole, so that purity alone decides.
ELSEWHERE = Evidence(
    np.zeros(0, int), np.zeros(0, int), np.zeros((0, 256), np.float32)
)


def fill(label: np.ndarray, purity: float = 0.6) -> np.ndarray:
    return fill_holes(label, purity, ELSEWHERE)


def favour(shape: tuple[int, int], class_id: int) -> Evidence:
    probabilities = np.full((*shape, 3), 0.1)
    probabilities[..., class_id] = 0.8
    return evidence_of(probabilities)


@PROPERTY
@given(LABELS, st.floats(0, 1), st.sampled_from([0, 1, 2]))
def test_fill_holes_keeps_labelled_pixels(
    label: np.ndarray, purity: float, class_id: int
) -> None:
    evidence = favour(label.shape, class_id)
    filled = fill_holes(label, purity, evidence)
    assert filled.dtype == np.uint8
    assert (filled[label != 255] == label[label != 255]).all()
    assert set(np.unique(filled)) <= set(np.unique(label))


@PROPERTY
@given(LABELS, st.floats(0.51, 1))
def test_fill_holes_does_not_depend_on_orientation(
    label: np.ndarray, purity: float
) -> None:
    # Up to 0.5 either of two classes may win a tie.
    turned = fill(np.rot90(label), purity)
    assert (turned == np.rot90(fill(label, purity))).all()


@PROPERTY
@given(LABELS)
def test_fill_holes_fills_less_at_a_higher_purity(
    label: np.ndarray,
) -> None:
    strict, lax = fill(label, 0.9), fill(label, 0.6)
    assert (lax[strict != 255] == strict[strict != 255]).all()


@PROPERTY
@given(LABELS, st.floats(0.51, 1), st.integers(0, 2**32))
def test_fill_holes_fills_less_with_evidence(
    label: np.ndarray, purity: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    evidence = evidence_of(rng.dirichlet(np.ones(2), label.shape))
    with_it = fill_holes(label, purity, evidence)
    without = fill(label, purity)
    filled = with_it != 255
    assert (with_it[filled] == without[filled]).all()


def test_fill_holes_leaves_gaps_between_classes() -> None:
    label = np.zeros((7, 12), np.uint8)
    label[:, 6:] = 1
    label[:, 5:7] = 255
    label[2:4, 2:4] = 255
    filled = fill(label, 0.7)
    assert (filled[2:4, 2:4] == 0).all()
    assert (filled[:, 5:7] == 255).all()


def test_fill_holes_leaves_a_hole_that_evidence_gives_another_class() -> None:
    label = np.zeros((9, 12), np.uint8)
    label[0] = 1
    label[3:6, 2:5] = label[3:6, 7:10] = 255
    shape = label.shape
    assert (fill(label)[3:6] == 0).all()
    assert (fill_holes(label, 0.6, favour(shape, 0))[3:6] == 0).all()
    filled = fill_holes(label, 0.6, favour(shape, 1))
    assert (filled[label == 255] == 255).all()
    # No pixel of the label has class 2, and 0 and 1 are equal.
    filled = fill_holes(label, 0.6, favour(shape, 2))
    assert (filled[label == 255] == 255).all()


def test_fill_holes_of_one_class_compares_it_with_all_others() -> None:
    label = np.zeros((9, 12), np.uint8)
    label[3:6, 2:5] = 255
    filled = fill_holes(label, 0.6, favour(label.shape, 0))
    assert (filled == 0).all()
    filled = fill_holes(label, 0.6, favour(label.shape, 2))
    assert (filled == label).all()


def test_fill_holes_without_evidence_fills_none() -> None:
    label = np.zeros((9, 12), np.uint8)
    label[3:6, 2:5] = 255
    filled = fill_holes(label, 0.6, Evidence.none(label.shape))
    assert (filled == label).all()


def test_fill_holes_of_many_holes_needs_little_memory() -> None:
    label = np.ones((450, 450), np.uint8)
    label[1::3, 1::3] = 255
    rows, _ = spread_pixels(label.shape)
    # Against class 1 in the upper half.
    upper = (rows < 225)[:, None]
    probabilities = np.where(upper, [0.9, 0.1], [0.1, 0.9])
    evidence = Evidence.of(label.shape, probabilities)
    filled, peak = with_peak(lambda: fill_holes(label, 0.6, evidence))
    # A row of evidence for each of 22 500 holes would take 350 MB.
    assert peak < 150e6
    unfilled = np.zeros(label.shape, bool)
    unfilled[evidence.rows, evidence.cols] = evidence.rows < 225
    assert (filled == np.where((label == 255) & unfilled, 255, 1)).all()


def test_fill_holes_looks_at_evidence_inside_each_hole() -> None:
    label = np.zeros((9, 12), np.uint8)
    label[0] = 1
    label[3:6, 2:5] = label[3:6, 7:10] = 255
    # Evidence has to speak for the class: it says nothing on the left.
    probabilities = np.full((9, 12, 2), 0.5)
    probabilities[:, 6:] = 0.9, 0.1
    filled = fill_holes(label, 0.6, evidence_of(probabilities))
    assert (filled[3:6, 2:5] == 255).all()
    assert (filled[3:6, 7:10] == 0).all()


def test_fill_holes_without_labels() -> None:
    empty = np.full((4, 5), 255, np.uint8)
    assert (fill_holes(empty, 0.5, ELSEWHERE) == 255).all()


def test_fill_holes_purity_counts_labelled_neighbours() -> None:
    label = np.array([[255, 0, 255], [0, 255, 1], [255, 0, 255]], np.uint8)
    assert fill(label, 0.75)[1, 1] == 0
    assert fill(label, 0.76)[1, 1] == 255


@pytest.mark.parametrize('shape', [(1, 9), (9, 1)])
def test_fill_holes_of_a_line(shape: tuple[int, int]) -> None:
    label = np.array([0, 255, 0, 0, 255, 255, 1, 1, 255], np.uint8)
    filled = fill(label.reshape(shape), 0.6).ravel().tolist()
    assert filled == [0, 0, 0, 0, 255, 255, 1, 1, 1]


@pytest.mark.parametrize('pixels, fills', [(1024, True), (1025, False)])
def test_fill_holes_fills_small_holes_without_evidence(pixels, fills) -> None:
    label = np.zeros((8, 1200), np.uint8)
    label[3, 1 : pixels + 1] = 255
    rows, _ = spread_pixels(label.shape)
    assert 3 not in rows
    favours = np.tile([0.9, 0.1], (len(rows), 1))
    filled = fill_holes(label, 0.6, Evidence.of(label.shape, favours))
    assert (filled == 255).any() != fills
