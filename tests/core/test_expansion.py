"""Doubt about masks, from how often masks of their kind are refuted."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.expansion import (
    ExpansionPrior,
    count_expansions,
    measure_expansion,
)

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)
POLE, ROAD = 2, 3
GROWTH = st.floats(1, 2**18)
SEEN = st.lists(
    st.tuples(st.integers(0, 255), GROWTH, st.booleans()), max_size=40
)


def count(seen):
    counts = ExpansionPrior.no_counts()
    for class_id, growth, refuted in seen:
        counts += count_expansions(
            class_id, np.array([growth]), np.array([refuted])
        )
    return counts


def test_growth_is_the_area_over_what_is_held():
    growth = measure_expansion(np.array([8.0, 8.0]), np.array([2.0, 0.0]))
    assert growth.tolist() == [4.0, np.inf]


def test_a_class_is_doubted_where_its_masks_are_refuted():
    growth = np.repeat([1.5, 3.0, 30.0], 100)
    poles = count_expansions(POLE, growth, growth > 2)
    roads = count_expansions(ROAD, growth, growth > 1e6)
    doubt = ExpansionPrior.fit(poles + roads)
    small, middle, large = doubt(POLE, np.array([1.4, 2.8, 22.0]))
    assert small < 0.2 and middle > 0.7 and large > 0.7
    assert doubt(ROAD, np.array([1.4, 2.8, 22.0])).max() < 0.2


def test_a_growth_never_seen_is_doubted_as_the_nearest_that_was():
    growth = np.repeat([10.0, 400.0], 500)
    doubt = ExpansionPrior.fit(count_expansions(POLE, growth, growth > 50))
    least, between, most = doubt(POLE, np.array([2.0, 64.0, 2.0**15]))
    assert least < 0.05 and 0.3 < between < 0.7 and most > 0.95
    assert doubt(ROAD, np.array([2.0**15]))[0] > 0.95


def test_a_class_never_seen_is_doubted_as_all_together_are():
    growth = np.full(50, 3.0)
    seen = count_expansions(POLE, growth, np.arange(50) < 25)
    doubt = ExpansionPrior.fit(seen)
    assert doubt(ROAD, np.array([2.8]))[0] == pytest.approx(0.5, abs=0.02)


def test_nothing_counted_is_nothing_doubted():
    growth = np.array([1.0, 100.0, np.inf])
    for doubt in (
        ExpansionPrior.none(),
        ExpansionPrior.fit(ExpansionPrior.no_counts()),
    ):
        assert doubt(ROAD, growth).tolist() == [0, 0, 0]


def test_masks_that_hold_nothing_are_not_counted():
    growth = np.array([np.inf, 4.0])
    counts = count_expansions(ROAD, growth, np.array([True, True]))
    assert counts.sum(axis=(1, 2)).tolist() == [1, 1]


@PROPERTY
@given(SEEN, st.lists(GROWTH, min_size=2, max_size=9))
def test_doubt_is_a_share(seen, growth):
    doubt = ExpansionPrior.fit(count(seen))
    for class_id in (0, POLE):
        values = doubt(class_id, np.array([*growth, np.inf]))
        assert (values >= 0).all() and (values <= 1).all()


@PROPERTY
@given(SEEN)
def test_doubt_is_read_as_it_was_written(seen):
    doubt = ExpansionPrior.fit(count(seen))
    read = ExpansionPrior.from_json(json.loads(json.dumps(doubt.to_json())))
    assert (read.share == doubt.share).all()


@PROPERTY
@given(SEEN)
def test_the_order_of_what_is_seen_plays_no_part(seen):
    forth, back = count(seen), count(reversed(seen))
    assert (forth == back).all()
