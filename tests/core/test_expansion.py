"""Share of rejected masks, by class and expansion."""

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

PROPERTY = settings(max_examples=50)
POLE, ROAD = 2, 3
EXPANSIONS = st.floats(1, 2**18)
SEEN = st.lists(
    st.tuples(st.integers(0, 255), EXPANSIONS, st.booleans()), max_size=40
)


def count(seen):
    counts = ExpansionPrior.no_counts()
    for class_id, expansion, rejected in seen:
        counts += count_expansions(
            class_id, np.array([expansion]), np.array([rejected])
        )
    return counts


def test_measure_expansion_is_area_over_pixels_inside():
    expansion = measure_expansion(np.array([8.0, 8.0]), np.array([2.0, 0.0]))
    assert expansion.tolist() == [4.0, np.inf]


def test_prior_is_high_where_masks_of_the_class_are_rejected():
    expansion = np.repeat([1.5, 3.0, 30.0], 100)
    poles = count_expansions(POLE, expansion, expansion > 2)
    roads = count_expansions(ROAD, expansion, expansion > 1e6)
    prior = ExpansionPrior.fit(poles + roads)
    small, middle, large = prior(POLE, np.array([1.4, 2.8, 22.0]))
    assert small < 0.2 and middle > 0.7 and large > 0.7
    assert prior(ROAD, np.array([1.4, 2.8, 22.0])).max() < 0.2


def test_prior_of_an_unseen_expansion_is_that_of_the_nearest():
    expansion = np.repeat([10.0, 400.0], 500)
    prior = ExpansionPrior.fit(
        count_expansions(POLE, expansion, expansion > 50)
    )
    least, between, most = prior(POLE, np.array([2.0, 64.0, 2.0**15]))
    assert least < 0.05 and 0.3 < between < 0.7 and most > 0.95
    assert prior(ROAD, np.array([2.0**15]))[0] > 0.95


def test_prior_of_an_unseen_class_is_that_of_all_classes():
    expansion = np.full(50, 3.0)
    seen = count_expansions(POLE, expansion, np.arange(50) < 25)
    prior = ExpansionPrior.fit(seen)
    assert prior(ROAD, np.array([2.8]))[0] == pytest.approx(0.5, abs=0.02)


def test_prior_without_counts_rejects_nothing():
    expansion = np.array([1.0, 100.0, np.inf])
    for prior in (
        ExpansionPrior.none(),
        ExpansionPrior.fit(ExpansionPrior.no_counts()),
    ):
        assert prior(ROAD, expansion).tolist() == [0, 0, 0]


def test_count_expansions_skips_infinite_expansion():
    expansion = np.array([np.inf, 4.0])
    counts = count_expansions(ROAD, expansion, np.array([True, True]))
    assert counts.sum(axis=(1, 2)).tolist() == [1, 1]


@PROPERTY
@given(SEEN, st.lists(EXPANSIONS, min_size=2, max_size=9))
def test_prior_is_a_share(seen, expansion):
    prior = ExpansionPrior.fit(count(seen))
    for class_id in (0, POLE):
        values = prior(class_id, np.array([*expansion, np.inf]))
        assert (values >= 0).all() and (values <= 1).all()


@PROPERTY
@given(SEEN)
def test_from_json_reads_what_to_json_writes(seen):
    prior = ExpansionPrior.fit(count(seen))
    read = ExpansionPrior.from_json(json.loads(json.dumps(prior.to_json())))
    assert (read.rejected == prior.rejected).all()
