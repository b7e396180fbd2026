"""Share of masks that conflict, by class, expansion and score."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.conflict_prior import ConflictPrior, count_masks

PROPERTY = settings(max_examples=50)
POLE, ROAD = 2, 3
EXPANSIONS = st.floats(1, 2**18)
SCORES = st.sampled_from([0.0, 0.3, 0.31, 1.0, np.nan, np.inf, -np.inf])
SEEN = st.lists(
    st.tuples(st.integers(0, 255), EXPANSIONS, SCORES, st.booleans()),
    max_size=40,
)


def count(class_id, expansion, conflicts, scores=0.5):
    """Counts masks that have one score, if no others are given."""
    classes = np.full(len(expansion), class_id)
    scores = np.broadcast_to(scores, expansion.shape)
    return count_masks(classes, expansion, scores, conflicts)


def count_all(seen):
    counts = ConflictPrior.no_counts()
    for class_id, expansion, score, conflict in seen:
        one = np.array([expansion]), np.array([conflict])
        counts += count(class_id, *one, scores=score)
    return counts


def look_up(prior, class_id, expansion, score=0.5):
    return prior(class_id, np.array(expansion), np.full(len(expansion), score))


def test_prior_is_high_where_masks_of_the_class_conflict():
    expansion = np.repeat([1.5, 3.0, 30.0], 100)
    poles = count(POLE, expansion, expansion > 2)
    roads = count(ROAD, expansion, expansion > 1e6)
    prior = ConflictPrior.fit(poles + roads)
    small, middle, large = look_up(prior, POLE, [1.4, 2.8, 22.0])
    assert small < 0.2 and middle > 0.7 and large > 0.7
    assert look_up(prior, ROAD, [1.4, 2.8, 22.0]).max() < 0.2


def test_prior_of_an_unseen_expansion_is_that_of_the_nearest():
    expansion = np.repeat([10.0, 400.0], 500)
    prior = ConflictPrior.fit(count(POLE, expansion, expansion > 50))
    least, between, most = look_up(prior, POLE, [2.0, 64.0, 2.0**15])
    assert least < 0.05 and 0.3 < between < 0.7 and most > 0.95
    assert look_up(prior, ROAD, [2.0**15])[0] > 0.95


def test_prior_of_an_unseen_class_is_that_of_all_classes():
    expansion = np.full(50, 3.0)
    seen = count(POLE, expansion, np.arange(50) < 25)
    prior = ConflictPrior.fit(seen)
    assert look_up(prior, ROAD, [2.8])[0] == pytest.approx(0.5, abs=0.02)


def test_prior_without_counts_rejects_nothing():
    expansion = [1.0, 100.0, np.inf]
    for prior in (
        ConflictPrior.none(),
        ConflictPrior.fit(ConflictPrior.no_counts()),
    ):
        assert look_up(prior, ROAD, expansion).tolist() == [0, 0, 0]


def test_count_masks_skips_infinite_expansion():
    expansion = np.array([np.inf, 4.0])
    counts = count(ROAD, expansion, np.array([True, True]))
    assert counts[:, ROAD].sum(axis=(1, 2)).tolist() == [1, 1]
    assert counts.sum() == 2


def test_prior_learns_what_scores_tell():
    expansion = np.repeat([3.0, 30.0], 200)
    scores = np.tile([0.9, 0.4], 200)
    # Of masks of each size, those with a low score conflict more often.
    conflicts = np.tile(
        [False, True, False, True, True, True, False, False], 50
    )
    prior = ConflictPrior.fit(count(POLE, expansion, conflicts, scores))
    for class_id in (POLE, ROAD):
        high, low = (
            look_up(prior, class_id, [2.8, 22.0], score)
            for score in (0.9, 0.4)
        )
        np.testing.assert_allclose(high, 0.25, atol=0.06)
        np.testing.assert_allclose(low, 0.75, atol=0.06)
    # Scores between those that were seen, and one that is undefined.
    between = look_up(prior, POLE, [2.8], 0.65)[0]
    assert high[0] < between < low[0]
    assert look_up(prior, POLE, [2.8], np.nan) == look_up(
        prior, POLE, [2.8], 0
    )


def test_prior_takes_scores_outside_their_range_for_its_ends():
    expansion, conflicts = np.full(200, 3.0), np.arange(200) < 100
    within, outside = (
        count(POLE, expansion, conflicts, np.repeat(ends, 100))
        for ends in ([0.0, 1.0], [-np.inf, np.inf])
    )
    assert (within == outside).all()
    prior = ConflictPrior.fit(within)
    low, high = (look_up(prior, POLE, [2.8], s)[0] for s in (-np.inf, np.inf))
    assert low == look_up(prior, POLE, [2.8], 0.0)[0] > 0.8
    assert high == look_up(prior, POLE, [2.8], 1.0)[0] < 0.2


def test_prior_ignores_scores_that_tell_nothing():
    expansion = np.repeat([3.0, 30.0], 200)
    conflicts = np.repeat([True, False, False, True], [20, 180, 20, 180])
    scores = np.tile([0.9, 0.4], 200)
    prior = ConflictPrior.fit(count(POLE, expansion, conflicts, scores))
    high, low = (look_up(prior, POLE, [2.8, 22.0], s) for s in (0.9, 0.4))
    np.testing.assert_allclose(high, low, atol=1e-9)
    np.testing.assert_allclose(high, [0.1, 0.9], atol=0.03)


def test_prior_does_not_count_a_class_twice_by_its_scores():
    expansion = np.full(1000, 3.0)
    # Poles conflict more often and have low scores, which tell no more.
    poles = count(POLE, expansion, np.arange(1000) < 300, scores=0.2)
    roads = count(ROAD, expansion, np.arange(1000) < 100, scores=0.8)
    prior = ConflictPrior.fit(poles + roads)
    for class_id, share in ((POLE, 0.3), (ROAD, 0.1)):
        for score in (0.2, 0.8):
            found = look_up(prior, class_id, [2.8], score)[0]
            assert found == pytest.approx(share, abs=0.02)


@PROPERTY
@given(SEEN, st.lists(EXPANSIONS, min_size=2, max_size=9), SCORES)
def test_prior_is_a_share(seen, expansion, score):
    prior = ConflictPrior.fit(count_all(seen))
    for class_id in (0, POLE):
        values = look_up(prior, class_id, [*expansion, np.inf], score)
        assert (values >= 0).all() and (values <= 1).all()


@PROPERTY
@given(SEEN)
def test_from_json_reads_what_to_json_writes(seen):
    prior = ConflictPrior.fit(count_all(seen))
    read = ConflictPrior.from_json(json.loads(json.dumps(prior.to_json())))
    assert (read.shares == prior.shares).all()
    assert (read.score_odds == prior.score_odds).all()
