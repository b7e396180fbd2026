from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmseg_sesam.core.fill_holes import fill_holes

LABELS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([0, 1, 255]),
)


@given(LABELS, st.floats(0.5, 1))
def test_fill_holes_keeps_labelled_pixels(
    label: np.ndarray, purity: float
) -> None:
    filled = fill_holes(label, purity)
    assert (filled[label != 255] == label[label != 255]).all()
    assert set(np.unique(filled)) <= set(np.unique(label))


@given(LABELS, st.floats(0.5, 1))
def test_fill_holes_does_not_depend_on_orientation(
    label: np.ndarray, purity: float
) -> None:
    # At a tie of two classes either may win.
    purity = max(purity, 0.51)
    turned = fill_holes(np.rot90(label), purity)
    assert (turned == np.rot90(fill_holes(label, purity))).all()


@given(LABELS)
def test_fill_holes_fills_less_at_a_higher_purity(
    label: np.ndarray,
) -> None:
    strict, lax = fill_holes(label, 0.9), fill_holes(label, 0.6)
    assert (lax[strict != 255] == strict[strict != 255]).all()


def test_fill_holes_leaves_gaps_between_classes() -> None:
    label = np.zeros((7, 12), np.uint8)
    label[:, 6:] = 1
    label[:, 5:7] = 255
    label[2:4, 2:4] = 255
    filled = fill_holes(label, 0.7)
    assert (filled[2:4, 2:4] == 0).all()
    assert (filled[:, 5:7] == 255).all()


def test_fill_holes_without_labels() -> None:
    empty = np.full((4, 5), 255, np.uint8)
    assert (fill_holes(empty, 0.5) == 255).all()


def test_fill_holes_purity_counts_labelled_neighbours() -> None:
    label = np.array([[255, 0, 255], [0, 255, 1], [255, 0, 255]], np.uint8)
    assert fill_holes(label, 0.75)[1, 1] == 0
    assert fill_holes(label, 0.76)[1, 1] == 255
