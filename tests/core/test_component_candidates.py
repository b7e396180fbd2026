"""Measures of candidates, against plain numpy on full-size masks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.candidates import MaskCandidates
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.conflict_prior import ConflictPrior, count_masks
from mmseg_sesam.core.decoding import measure_components
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.core.prompts import PointPrompt

from .cases import Case, cases, evidence_of, row_case


class WindowedCandidates(MaskCandidates):
    """Tells the window of its masks, and counts the pixels looked up."""

    looked_up = 0

    def window(self, prompts):
        rows, cols = np.nonzero(self._masks[prompts].any(axis=(0, 1)))
        return rows.min(), cols.min(), rows.max() + 1, cols.max() + 1

    def contains(self, rows, cols, prompts):
        self.looked_up += len(rows)
        return super().contains(rows, cols, prompts)


PROPERTY = settings(max_examples=30)
SEEDS = st.integers(0, 2**32)


def random_extents(number, seed):
    rng = np.random.default_rng(seed)
    extents = rng.geometric(0.01, number).astype(float)
    return np.where(rng.random(number) < 0.2, np.inf, extents)


@PROPERTY
@given(cases())
def test_measure_is_exact_on_all_pixels(case):
    measured = case.measure()
    for index, candidates in enumerate(measured):
        masks = case.masks[index]
        shares = [
            [case.share(mask, place) for place in range(len(measured))]
            for mask in masks
        ]
        stored = np.zeros((len(masks), len(measured)))
        stored[candidates.masks, candidates.held] = candidates.shares
        np.testing.assert_array_equal(stored, shares)
        assert len(candidates.shares) == np.count_nonzero(shares)
        np.testing.assert_array_equal(
            candidates.coverage, np.array(shares)[:, index]
        )
        np.testing.assert_array_equal(candidates.areas, masks.sum(axis=(1, 2)))
        evidence = case.evidence
        np.testing.assert_array_equal(
            candidates.inside, masks[:, evidence.rows, evidence.cols]
        )
        held = (masks & case.own(index)).sum(axis=(1, 2))
        with np.errstate(divide='ignore', invalid='ignore'):
            expected = np.where(
                held > 0, masks.sum(axis=(1, 2)) / held, np.inf
            )
        np.testing.assert_allclose(candidates.expansion, expected, rtol=1e-5)


@PROPERTY
@given(cases(), SEEDS)
def test_conflict_is_the_part_of_a_mask_that_foreign_extents_take(case, seed):
    measured = case.measure()
    extents = random_extents(len(measured), seed)
    classes = [component.class_id for component in case.components]
    for index, candidates in enumerate(measured):
        for mask, conflict in zip(
            case.masks[index], candidates.conflict(extents)
        ):
            taken = sum(
                case.share(mask, place) * extents[place]
                for place, class_id in enumerate(classes)
                if class_id != classes[index] and case.share(mask, place)
            )
            expected = min(taken / max(mask.sum(), 1), 1)
            assert conflict == pytest.approx(expected, rel=1e-5)


@PROPERTY
@given(cases(), SEEDS, st.floats(0, 100))
def test_conflict_is_a_share_that_rises_with_extents(case, seed, more):
    measured = case.measure()
    extents = random_extents(len(measured), seed)
    larger = extents + more * (np.arange(len(extents)) % 2)
    for candidates in measured:
        before = candidates.conflict(extents)
        after = candidates.conflict(larger)
        assert (before >= 0).all() and (before <= after).all()
        assert (after <= 1).all()


@PROPERTY
@given(cases())
def test_extent_is_the_area_of_a_mask_that_covers_the_component(case):
    for candidates in case.measure():
        areas = candidates.areas
        if (candidates.coverage > 0).any():
            areas = areas[candidates.coverage > 0]
        assert candidates.extent in [*areas[areas > 0], np.inf]


def test_extent_is_infinite_without_a_mask_of_the_component():
    for spans in [[]], [[(25, 45)]], [[(20, 25)], [(0, 1), (25, 45)]]:
        assert row_case(spans).measure()[0].extent == np.inf


def test_extent_of_a_component_that_masks_miss_is_that_of_the_best():
    case = row_case(
        [[(20, 22)], [(20, 25)], [(25, 45)], []],
        scores=[[0.5, 0.7, 0.9, 0.9]] * 2,
    )
    assert case.measure()[0].extent == 5


def test_extent_is_the_area_of_the_best_mask_that_covers_most():
    spans = [[(0, 20)], [(0, 24)], [(0, 10)], [(0, 45)]]
    # The third covers too little, and the fourth holds the other component.
    case = row_case(spans, scores=[[0.5, 0.7, 0.9, 0.9]] * 2)
    assert case.measure()[0].extent == 24
    case = row_case(spans, scores=[[0.7, 0.5, 0.9, 0.9]] * 2)
    assert case.measure()[0].extent == 20


def test_extent_prefers_a_mask_for_which_evidence_is():
    probabilities = np.full((1, 45, 2), 0.5)
    probabilities[:, 20:] = 0.01, 0.99
    case = row_case(
        [[(0, 20)], [(0, 25)]],
        scores=[[0.6, 0.7]] * 2,
        evidence=evidence_of(probabilities),
    )
    assert case.measure()[0].extent == 20
    blind = replace(case, evidence=None)
    assert blind.measure()[0].extent == 25


def test_extent_skips_masks_without_a_score():
    case = row_case([[(0, 20)], [(0, 24)]], scores=[[np.nan, 0.1]] * 2)
    assert case.measure()[0].extent == 24


@PROPERTY
@given(cases(), SEEDS)
def test_reliability_never_falls_where_evidence_favours_the_class(case, seed):
    rng = np.random.default_rng(seed)
    before = case.measure()
    for index, component in enumerate(case.components):
        logs = case.evidence.log_probabilities.copy()
        logs[:, component.class_id] += rng.random(len(logs))
        favoured = case.evidence._replace(log_probabilities=logs)
        after = replace(case, evidence=favoured).measure()[index]
        if not before[index].prepared.favoured[component.class_id]:
            # Masks are compared with the component's own pixels.
            continue
        assert (after.reliability >= before[index].reliability - 1e-6).all()
        assert (after.log_odds >= before[index].log_odds - 1e-5).all()


@PROPERTY
@given(cases())
def test_reliability_is_a_probability(case):
    for candidates in case.measure():
        assert (candidates.reliability > 0).all()
        assert (candidates.reliability < 1).all()


def test_reliability_falls_with_the_share_of_masks_that_conflict():
    case = row_case([[(0, 20)], [(0, 25), (25, 45)]], own=2, other=50)
    seen = np.repeat([1.0, 4.0, 16.0], 1000)
    case.prior = ConflictPrior.fit(
        count_masks(np.full(len(seen), 0), seen, np.zeros(len(seen)), seen > 2)
    )
    small, large = case.measure()[0].reliability
    assert small < 0.1 and large < 0.1
    case.masks[0, 0] = case.own(0)
    small, large = case.measure()[0].reliability
    assert small > 0.9 and large < 0.1


def test_reliability_rises_with_a_score_that_tells() -> None:
    case = row_case([[(0, 45)], [(0, 45)]])
    case.scores = np.array([[0.9, 0.4], [0.9, 0.9]])
    scores = np.repeat([0.9, 0.4], 500)
    # A fifth of the masks with a high score conflicts, and four with a low.
    conflicts = np.concatenate([np.arange(500) < 100, np.arange(500) < 400])
    classes, expansion = np.zeros(1000, int), np.full(1000, 2.5)
    case.prior = ConflictPrior.fit(
        count_masks(classes, expansion, scores, conflicts)
    )
    high, low = case.measure()[0].reliability
    assert high == pytest.approx(0.8, abs=0.06)
    assert low == pytest.approx(0.2, abs=0.06)


@PROPERTY
@given(cases(), SEEDS)
def test_reliability_of_a_whole_mask_as_a_part_is_that_of_the_mask(case, seed):
    rng = np.random.default_rng(seed)
    for candidates in case.measure():
        numbers = np.flatnonzero(rng.random(len(candidates.scores)) < 0.5)
        inside = candidates.inside[numbers]
        np.testing.assert_allclose(
            candidates.reliability_of_parts(numbers, inside),
            candidates.reliability[numbers],
            rtol=1e-4,
        )


def test_reliability_without_evidence_and_prior_is_high():
    case = row_case([[(0, 20)], [(0, 45)]])
    np.testing.assert_allclose(case.measure()[0].reliability, 0.98)


def test_reliability_of_one_class_is_that_of_the_prior():
    label = np.full((3, 9), 255, np.uint8)
    label[1, 4] = 200
    probabilities = np.full((3, 9, 201), 0.001)
    case = Case(
        label,
        np.ones((1, 1, 3, 9), bool),
        evidence=evidence_of(probabilities),
    )
    np.testing.assert_allclose(case.measure()[0].reliability, 0.98)


def test_measure_looks_up_components_in_the_window_alone():
    # Dots in every fourth pixel, with masks that hold each dot and the next,
    # and in every second column the next alone.
    label = np.full((68, 68), 255, np.uint8)
    label[::4, ::4] = np.arange(17) % 3
    components = find_components(label)
    masks = np.zeros((289, 1, 68, 68), bool)
    for mask, component in zip(masks, components):
        row, col = component.bbox[:2]
        mask[0, row, col + col % 8 : col + 5] = True
    evidence = Evidence(*np.zeros((2, 0), int), np.zeros((0, 0), np.float32))
    prompt = PointPrompt(np.zeros((1, 2), np.float32))
    prepared = PreparedLabel(
        label,
        components,
        [[prompt]] * 289,
        LabelledPixels.gather(components),
        evidence,
        ConflictPrior.none(),
    )

    kinds = MaskCandidates, WindowedCandidates
    whole, windowed = (kind(masks, np.ones((289, 1))) for kind in kinds)
    expected = measure_components(lambda _: whole, prepared, 289)
    measured = measure_components(lambda _: windowed, prepared, 289)

    assert windowed.looked_up <= 2 * 289
    for one, other in zip(measured, expected):
        np.testing.assert_array_equal(one.held, other.held)
        np.testing.assert_array_equal(one.shares, other.shares)
        np.testing.assert_array_equal(one.coverage, other.coverage)
