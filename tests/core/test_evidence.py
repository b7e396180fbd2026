"""Evidence for classes inside masks, against plain sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.evidence import (
    MAX_CELLS,
    Evidence,
    cell_size,
    spread_pixels,
)

from .cases import evidence_of

PROPERTY = settings(max_examples=50)
SHAPES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
SEEDS = st.integers(0, 2**32)
ALL = np.ones((1, 4), bool)


def random_evidence(seed, number=4):
    rng = np.random.default_rng(seed)
    evidence = evidence_of(rng.dirichlet(np.ones(number), (4, 5)))
    inside = rng.random((3, len(evidence.rows))) < 0.5
    return evidence, inside


def two_by_two(*probabilities):
    """Returns evidence that is the same at all of four pixels."""
    return evidence_of(np.tile(np.array(probabilities), (3, 3, 1)))


@PROPERTY
@given(SHAPES)
def test_spread_pixels_are_a_grid_in_the_image(shape):
    rows, cols = spread_pixels(shape)
    assert 1 <= len(rows) == len(cols)
    assert rows.min() >= 0 and rows.max() < shape[0]
    assert cols.min() >= 0 and cols.max() < shape[1]
    pixels = set(zip(rows.tolist(), cols.tolist()))
    assert len(pixels) == len(rows)
    assert len(pixels) == len(set(rows)) * len(set(cols))
    side = cell_size(shape)
    assert set(np.diff(np.unique(rows))) <= {2 * side}
    assert set(np.diff(np.unique(cols))) <= {2 * side}


@PROPERTY
@given(SHAPES)
def test_cell_size_bounds_the_number_of_cells(shape):
    side = cell_size(shape)
    cells = (shape[0] // side) * (shape[1] // side)
    assert cells >= 1
    assert cells <= MAX_CELLS or side == min(shape)


def test_cell_size_grows_little_with_an_image():
    sides = [cell_size((side, side)) for side in (128, 512, 1024, 2048, 8192)]
    assert sides == [1, 4, 5, 8, 32]


@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (1, 40000), (40000, 1)])
def test_spread_pixels_of_a_thin_image(shape):
    rows, cols = spread_pixels(shape)
    assert len(rows) == (max(shape) + 1) // 2
    assert min(rows.max(), cols.max()) == 0


@PROPERTY
@given(SEEDS)
def test_log_odds_compares_mean_logs(seed):
    evidence, inside = random_evidence(seed)
    odds = evidence.log_odds(inside, 1, np.array([3, 0, 1]))
    for mask, value in zip(inside, odds):
        if not mask.any():
            assert value == 0
            continue
        means = evidence.log_probabilities[mask].mean(axis=0)
        rival = np.exp(means[[0, 3]]).mean()
        assert value == pytest.approx(means[1] - np.log(rival), abs=1e-4)


def test_log_odds_compare_with_classes_of_the_label_alone():
    evidence = two_by_two(0.1, 0.2, 0.7)
    assert evidence.log_odds(ALL, 1, np.array([0, 1]))[0] > 0
    assert evidence.log_odds(ALL, 1, np.array([1, 2]))[0] < 0


def test_log_odds_of_a_class_alone_leave_out_classes_never_seen():
    seen = two_by_two(0.4, 0.6)
    more = two_by_two(0.4, 0.6, 0)
    np.testing.assert_allclose(
        seen.log_odds(ALL, 1, np.array([1])),
        more.log_odds(ALL, 1, np.array([1])),
    )


def test_log_odds_of_a_class_alone_compare_with_all_others():
    evidence = two_by_two(0.1, 0.2, 0.7)
    every = evidence.log_odds(ALL, 1, np.arange(3))
    # Class 200 is not known, so that 1 is alone in the second label.
    for classes in ([1], [1, 200]):
        odds = evidence.log_odds(ALL, 1, np.array(classes))
        assert odds.tolist() == every.tolist()


def test_log_odds_are_zero_where_nothing_is_known():
    evidence = two_by_two(0.1, 0.2, 0.7)
    for class_id, classes in (
        (200, [0, 200]),  # The class is unknown.
        (200, [200]),
    ):
        odds = evidence.log_odds(ALL, class_id, np.array(classes))
        assert odds.tolist() == [0]
    outside = np.zeros((2, 4), bool)
    assert evidence.log_odds(outside, 1, np.arange(3)).tolist() == [0, 0]
    none = Evidence.none((3, 3))
    assert none.log_odds(ALL, 1, np.arange(3)).tolist() == [0]


def test_evidence_knows_nothing_without_classes():
    assert two_by_two(0.5, 0.5).known
    assert not Evidence.none((3, 3)).known


def test_log_odds_are_bounded_by_the_least_probability():
    sure = two_by_two(1.0, 0.0)
    odds = sure.log_odds(ALL, 0, np.arange(2))
    assert odds[0] == pytest.approx(np.log(101), abs=1e-4)


@pytest.mark.parametrize('undefined', [np.nan, np.inf])
def test_evidence_of_undefined_pixels_favours_no_class(undefined):
    probabilities = np.tile([0.2, 0.8], (3, 3, 1))
    probabilities[0, 0, 1] = undefined
    evidence = evidence_of(probabilities)
    rest = np.array([[False, True, True, True]])
    plain = two_by_two(0.2, 0.8).log_odds(rest, 1, np.arange(2))
    assert evidence.log_odds(rest, 1, np.arange(2)) == pytest.approx(plain)
    assert evidence.log_odds(~rest, 1, np.arange(2)).tolist() == [0]


def test_favours_a_class_that_any_pixel_speaks_for():
    probabilities = np.tile((0.3, 0.7), (3, 3, 1))
    assert not evidence_of(probabilities).favours(0, np.arange(2))
    probabilities[2, 0] = 0.6, 0.4
    assert evidence_of(probabilities).favours(0, np.arange(2))
    # Nothing is known of a class without a column, or without any evidence.
    assert not evidence_of(probabilities).favours(5, np.array([0, 5]))
    assert not Evidence.none((3, 3)).favours(0, np.arange(2))


@PROPERTY
@given(SHAPES, SEEDS)
def test_near_finds_the_nearest_pixels_with_evidence(shape, seed):
    evidence = Evidence.none(shape)
    rng = np.random.default_rng(seed)
    row, col = (int(rng.integers(0, size)) for size in shape)
    (place,) = np.flatnonzero(evidence.near(np.array([row]), np.array([col])))
    distances = np.hypot(evidence.rows - row, evidence.cols - col)
    assert distances[place] == distances.min()


def test_log_odds_of_no_mask():
    evidence = two_by_two(0.5, 0.5)
    assert evidence.log_odds(ALL[:0], 0, np.arange(2)).shape == (0,)
