"""Measures of candidates, against plain numpy on full-size masks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.candidates import MaskCandidates
from mmseg_sesam.core.component_candidates import (
    PreparedLabel,
    draw_unions,
    measure_components,
)
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.expansion import ExpansionPrior, count_expansions
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prompts import PointPrompt

from .cases import Case, cases, evidence_of


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


def row_case(spans, own=20, other=20, **options):
    """One row: `own` pixels of class 0, a gap, `other` ones of class 1.

    The masks of the first component have these spans; the second has masks
    of its own pixels alone.
    """
    label = np.full((1, own + 5 + other), 255, np.uint8)
    label[0, :own] = 0
    label[0, own + 5 :] = 1
    masks = np.zeros((2, len(spans), *label.shape), bool)
    masks[1] = label == 1
    for mask, parts in zip(masks[0], spans):
        for start, stop in parts:
            mask[0, start:stop] = True
    return Case(label, masks, **options)


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
        covering = candidates.areas[candidates.coverage > 0]
        assert candidates.extent in [*covering, np.inf]


def test_extent_is_infinite_without_a_mask_of_the_component():
    case = row_case([[], [(20, 25)], [(0, 1), (25, 45)]])
    assert case.measure()[0].extent == np.inf


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


def odds_of_two_masks(*favoured):
    """Log-odds of a component's own pixels and of pixels like class 1.

    Evidence takes class 0 for class 1 but at the pixels `favoured`.
    """
    probabilities = np.full((1, 45, 2), (0.02, 0.98))
    probabilities[:, :20] = 0.2, 0.8
    for pixel in favoured:
        probabilities[:, pixel] = 0.9, 0.1
    evidence = evidence_of(probabilities)
    case = row_case([[(0, 18)], [(20, 25)]], evidence=evidence)
    return case.measure()[0].log_odds


def test_evidence_that_does_not_know_a_class_is_compared_with_its_pixels():
    alike, other = odds_of_two_masks()
    assert alike == pytest.approx(0, abs=1e-5)
    assert other == pytest.approx(np.log(0.03 / 0.99) - np.log(0.21 / 0.81))


def test_evidence_that_knows_a_class_judges_the_pixels_of_a_person():
    alike, _ = odds_of_two_masks(22)
    assert alike == pytest.approx(np.log(0.21 / 0.81))


def test_evidence_is_not_compared_with_pixels_of_predictions():
    probabilities = np.full((1, 45, 2), (0.2, 0.8))
    case = row_case([[(0, 18)]], evidence=evidence_of(probabilities))
    case.from_person = np.zeros(case.label.shape, bool)
    assert case.measure()[0].log_odds[0] == pytest.approx(np.log(0.21 / 0.81))


@PROPERTY
@given(cases())
def test_reliability_is_a_probability(case):
    for candidates in case.measure():
        assert (candidates.reliability > 0).all()
        assert (candidates.reliability < 1).all()


def test_reliability_falls_with_the_share_of_masks_that_conflict():
    case = row_case([[(0, 20)], [(0, 25), (25, 45)]], own=2, other=50)
    seen = np.repeat([1.0, 4.0, 16.0], 1000)
    case.prior = ExpansionPrior.fit(count_expansions(0, seen, seen > 2))
    small, large = case.measure()[0].reliability
    assert small < 0.1 and large < 0.1
    case.masks[0, 0] = case.own(0)
    small, large = case.measure()[0].reliability
    assert small > 0.9 and large < 0.1


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


class Boxes:
    """A segmenter of boxes: for (x, y) the columns from x, and the row y."""

    def __init__(self, shape, drawn=None):
        self.shape, self.drawn = shape, drawn or shape
        self.calls = []

    def __call__(self, prompts):
        self.calls.append(len(prompts))
        masks = np.zeros((len(prompts), 2, *self.drawn), bool)
        for (columns, row), prompt in zip(masks, prompts):
            x, y = prompt.points[0].astype(int)
            columns[:, x : x + 3] = True
            row[y] = True
        return MaskCandidates(masks, np.ones((len(prompts), 2)))


def prepare(label):
    """Returns a label prepared with a prompt for each labelled pixel."""
    components = find_components(label)
    prompts = [
        [
            PointPrompt(np.array([[x, y]], np.float32))
            for y, x in zip(*component.pixels)
        ]
        for component in components
    ]
    return PreparedLabel(
        label,
        components,
        prompts,
        LabelledPixels.gather(components),
        Evidence.none(label.shape),
        ExpansionPrior.none(),
    )


@pytest.fixture
def prepared():
    label = np.full((9, 12), 255, np.uint8)
    label[2, 1:4] = 0
    label[6, 2] = 200
    label[4, 7:9] = 3
    return prepare(label)


@pytest.mark.parametrize('prompts_per_call', [1, 2, 3, 4, 256])
def test_measure_components_decodes_few_prompts_at_once(
    prepared, prompts_per_call
):
    decode = Boxes(prepared.label.shape)
    measured = measure_components(decode, prepared, prompts_per_call)
    together = measure_components(Boxes(prepared.label.shape), prepared)
    assert max(decode.calls) <= max(prompts_per_call, 3)
    assert sum(decode.calls) == 6
    assert [m.component.class_id for m in measured] == [0, 3, 200]
    for one, other in zip(measured, together):
        for values in ('masks', 'held', 'shares'):
            np.testing.assert_array_equal(
                getattr(one, values), getattr(other, values)
            )
        np.testing.assert_array_equal(one.inside, other.inside)
        np.testing.assert_array_equal(one.areas, other.areas)


@pytest.mark.parametrize('change', [-1, 1])
def test_measure_components_raises_on_candidates_of_other_prompts(
    prepared, change
):
    boxes = Boxes(prepared.label.shape)
    number = sum(map(len, prepared.prompts))

    def decode(prompts):
        return boxes((prompts * 2)[: number + change])

    with pytest.raises(
        ValueError, match=f'of {number + change} prompts, expected {number},'
    ):
        measure_components(decode, prepared)


@pytest.mark.parametrize('prompts_per_call', [1, 2, 256])
def test_draw_unions_draws_the_chosen_candidates(prepared, prompts_per_call):
    decode = Boxes(prepared.label.shape)
    measured = measure_components(decode, prepared)
    # Numbers count two candidates of each prompt.
    assert measured[0].split(5) == (2, 1)
    chosen = {2: [0], 0: [0, 4, 5]}
    drawn = dict(draw_unions(decode, measured, chosen, prompts_per_call))
    assert list(drawn) == [2, 0]
    # 4 and 5 are of one prompt.
    assert sum(decode.calls) == 6 + 3
    columns, cross = np.zeros((2, 9, 12), bool)
    columns[:, 2:5] = True
    cross[:, 1:6] = cross[2] = True
    np.testing.assert_array_equal(drawn[2].whole(), columns)
    np.testing.assert_array_equal(drawn[0].whole(), cross)


def test_draw_unions_raises_on_a_mask_of_another_size(prepared):
    decode = Boxes(prepared.label.shape, drawn=(12, 9))
    measured = measure_components(Boxes(prepared.label.shape), prepared)
    with pytest.raises(ValueError, match=r'\(12, 9\).*expected \(9, 12\)'):
        list(draw_unions(decode, measured, {0: [1]}))


def test_measure_components_of_a_label_without_components():
    decode = Boxes((4, 5))
    prepared = prepare(np.full((4, 5), 255, np.uint8))
    assert measure_components(decode, prepared) == []
    assert list(draw_unions(decode, [], {})) == []
    assert decode.calls == []


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
        ExpansionPrior.none(),
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
