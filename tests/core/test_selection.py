"""Selection by coverage, against plain numpy on full-size masks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.candidates import MaskCandidates
from mmseg_sesam.core.component_candidates import (
    ComponentCandidates,
    Measures,
    PreparedLabel,
)
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.expansion import ExpansionPrior, count_expansions
from mmseg_sesam.core.labelled_pixels import LabelledPixels, find_exclusive
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.selection import CoverageMaskSelector, Verdict

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)
SHARES = st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0])
STEPS = st.sampled_from([0.01, 0.05, 0.3])


class Case:
    """A label, one component of it, and candidate masks for it."""

    def __init__(self, label, masks, scores, stability=None, index=0):
        self.label = label
        self.components = find_components(label)
        self.index = index
        self.masks = np.asarray(masks, bool)
        self.scores = np.asarray(scores, np.float32)
        self.stability = (
            np.ones_like(self.scores) if stability is None else stability
        )
        self.prior = ExpansionPrior.none()

    @property
    def component(self):
        return self.components[self.index]

    @property
    def own(self):
        pixels = np.zeros(self.label.shape, bool)
        pixels[self.component.pixels] = True
        return pixels

    def coverage(self, mask):
        return (mask & self.own).sum() / self.own.sum()

    def conflict(self, mask):
        labelled = self.label != 255
        other = labelled & (self.label != self.component.class_id)
        return (mask & other).sum() / max((mask & labelled).sum(), 1)

    def select(self, selector, max_pixels=65536):
        exclusive = find_exclusive(self.components)
        point = PointPrompt(np.zeros((1, 2)), np.ones(1))
        prepared = PreparedLabel(
            self.label,
            self.components,
            [[point]] * len(self.components),
            LabelledPixels.gather(self.components, exclusive, max_pixels),
            self.prior,
        )
        candidates = MaskCandidates(
            self.masks[None], self.scores[None], self.stability[None]
        )
        return selector(ComponentCandidates(prepared, self.index, candidates))

    def union(self, chosen):
        return self.masks[list(chosen)].any(axis=0)

    def admissible(self, selector):
        """Indices of the masks that may be taken alone."""
        return [
            index
            for index, mask in enumerate(self.masks)
            if self.scores[index] >= selector.min_predicted_iou
            and self.stability[index] >= selector.min_stability
            and self.conflict(mask) <= selector.max_conflict
        ]


@st.composite
def cases(draw):
    """Candidates from nearly right to nearly random, of unique scores."""
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
    elements = st.sampled_from([0, 3, 7, 255, 255])
    label = draw(hnp.arrays(np.uint8, shape, elements=elements))
    assume((label != 255).any())
    label = np.kron(label, np.ones([draw(st.integers(1, 3))] * 2, np.uint8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 9))
    case = Case(
        label,
        masks=rng.random((count, *label.shape)) < rng.random((count, 1, 1)),
        scores=rng.permutation(count) / 10 + 0.1,
        stability=rng.random(count).astype(np.float32),
        index=rng.integers(len(find_components(label))),
    )
    likeness = rng.random((count, 1, 1))
    case.masks &= rng.random(case.masks.shape) > likeness
    case.masks |= case.own & (rng.random(case.masks.shape) < likeness)
    return case


@st.composite
def selectors(draw):
    return CoverageMaskSelector(
        max_conflict=draw(SHARES),
        min_predicted_iou=draw(st.sampled_from([0.0, 0.3])),
        min_stability=draw(st.sampled_from([0.0, 0.3])),
        min_coverage=draw(SHARES),
        coverage_step=draw(STEPS),
        merge=draw(st.sampled_from(['best', 'greedy'])),
        min_gain=draw(STEPS),
    )


@PROPERTY
@given(cases(), selectors())
def test_selector_takes_admissible_masks(case, selector):
    selection = case.select(selector)
    if not selection.chosen:
        assert selection.mask is None
        assert selection.measures == (0, 0, 0)
        return
    assert len(set(selection.chosen)) == len(selection.chosen)
    assert set(selection.chosen) <= set(case.admissible(selector))
    union = case.union(selection.chosen)
    assert case.conflict(union) <= selector.max_conflict
    assert case.coverage(union) >= selector.min_coverage
    assert case.coverage(union) > 0
    np.testing.assert_array_equal(selection.mask, union)
    assert selection.measures.coverage == case.coverage(union)
    assert selection.measures.conflict == case.conflict(union)
    scores = case.scores[list(selection.chosen)]
    assert selection.predicted_iou == pytest.approx(scores.mean())


@PROPERTY
@given(cases(), selectors())
def test_selector_takes_the_best_admissible_mask_first(case, selector):
    usable = [
        index
        for index in case.admissible(selector)
        if case.coverage(case.masks[index]) > 0
    ]
    best = max(
        usable,
        default=None,
        key=lambda index: (
            round(case.coverage(case.masks[index]) / selector.coverage_step),
            case.scores[index],
        ),
    )
    # Without a floor: whatever is best must be taken.
    selection = case.select(replace(selector, min_coverage=0))
    assert selection.chosen[:1] == (() if best is None else (best,))


@PROPERTY
@given(cases(), selectors())
def test_selector_adds_masks_while_each_gains(case, selector):
    greedy = replace(selector, merge='greedy', min_coverage=0)
    chosen = case.select(greedy).chosen
    for count in range(1, len(chosen)):
        before = case.union(chosen[:count])
        after = case.union(chosen[: count + 1])
        gain = case.coverage(after) - case.coverage(before)
        assert gain >= greedy.min_gain
        assert case.conflict(after) <= greedy.max_conflict
    if not chosen:
        return
    union = case.union(chosen)
    for index in case.admissible(greedy):
        further = union | case.masks[index]
        gain = case.coverage(further) - case.coverage(union)
        assert (
            gain < greedy.min_gain
            or case.conflict(further) > greedy.max_conflict
        )


@PROPERTY
@given(cases(), selectors())
def test_selector_merges_onto_the_best_mask(case, selector):
    best = case.select(replace(selector, merge='best'))
    greedy = case.select(replace(selector, merge='greedy'))
    assert len(best.chosen) <= 1
    assert greedy.measures.coverage >= best.measures.coverage
    if best.chosen:
        assert greedy.chosen[0] == best.chosen[0]


@PROPERTY
@given(cases(), selectors(), st.randoms(use_true_random=False))
def test_selector_does_not_depend_on_the_order_of_candidates(
    case, selector, random
):
    before = case.select(selector)
    order = list(range(len(case.masks)))
    random.shuffle(order)
    case.masks = case.masks[order]
    case.scores, case.stability = case.scores[order], case.stability[order]
    after = case.select(selector)
    assert tuple(order[index] for index in after.chosen) == before.chosen


@PROPERTY
@given(cases(), selectors())
def test_selector_does_not_depend_on_orientation(case, selector):
    row, col = next(zip(*case.component.pixels))
    marker = np.zeros(case.label.shape, bool)
    marker[row, col] = True
    turned = Case(
        np.ascontiguousarray(np.rot90(case.label)),
        np.rot90(case.masks, axes=(1, 2)),
        case.scores,
        case.stability,
    )
    marker = np.rot90(marker)
    (turned.index,) = (
        index
        for index, component in enumerate(turned.components)
        if marker[component.pixels].any()
    )
    before, after = case.select(selector), turned.select(selector)
    assert after.verdicts == before.verdicts
    assert after.chosen == before.chosen
    assert after.measures == before.measures


@PROPERTY
@given(cases(), selectors(), st.integers(1, 200))
def test_selector_keeps_limits_that_sampled_pixels_miss(case, selector, size):
    selection = case.select(selector, size)
    if selection.chosen:
        union = case.union(selection.chosen)
        assert case.conflict(union) <= selector.max_conflict
        assert case.coverage(union) >= selector.min_coverage
        assert selection.measures.conflict == case.conflict(union)


@PROPERTY
@given(cases(), selectors(), st.integers(1, 200))
def test_selector_gives_the_verdict_of_the_first_rule(case, selector, size):
    selection = case.select(selector, size)
    assert len(selection.verdicts) == len(case.masks)
    taken = [v is Verdict.TAKEN for v in selection.verdicts]
    assert sorted(selection.chosen) == list(np.flatnonzero(taken))
    exact = case.select(selector).verdicts
    for index, (mask, verdict) in enumerate(zip(case.masks, exact)):
        assert (verdict is Verdict.CONFLICT) == (
            case.conflict(mask) > selector.max_conflict
        )
        admissible = index in case.admissible(selector)
        alone = (Verdict.CONFLICT, Verdict.SCORE, Verdict.STABILITY)
        assert (verdict in alone) == (not admissible)


def line_case(masks, scores, own=20, other=20):
    """One row: `own` pixels of class 0, a gap, `other` ones of class 1."""
    label = np.full((1, own + 5 + other), 255, np.uint8)
    label[0, :own] = 0
    label[0, own + 5 :] = 1
    full = np.zeros((len(masks), *label.shape), bool)
    for mask, spans in zip(full, masks):
        for start, stop in spans:
            mask[0, start:stop] = True
    return Case(label, full, scores)


def test_selector_allows_shares_at_their_limits():
    # 14 of 20 pixels are 0.7; with 6 of the other class, 6 of 20 are 0.3.
    case = line_case([[(0, 14), (25, 31)]], [0.5])
    at_limits = CoverageMaskSelector(max_conflict=0.3, min_coverage=0.7)
    assert case.select(at_limits).chosen == (0,)
    for stricter, verdict in (
        (dict(max_conflict=0.29), Verdict.CONFLICT),
        (dict(min_coverage=0.71), Verdict.COVERAGE),
    ):
        selection = case.select(replace(at_limits, **stricter))
        assert (selection.chosen, selection.verdicts) == ((), (verdict,))


def test_selector_rejects_mask_in_conflict_within_a_good_union():
    case = line_case([[(0, 90)], [(90, 100), (105, 110)]], [0.9, 0.8], own=100)
    # The union holds 5 of 105 pixels of the other class, the second mask 5
    # of 15.
    selection = case.select(CoverageMaskSelector())
    assert selection.chosen == (0,)
    assert selection.measures.coverage == 0.9


def test_selector_rejects_union_in_conflict_of_good_masks():
    # Each holds 1 of 20 pixels of the other class, both hold 2 of 22.
    case = line_case([[(0, 19), (25, 26)], [(1, 20), (26, 27)]], [0.9, 0.8])
    selection = case.select(CoverageMaskSelector(min_gain=0.01))
    assert selection.chosen == (0,)
    assert selection.measures.conflict == 0.05
    assert selection.verdicts == (Verdict.TAKEN, Verdict.UNION)


def test_selector_assembles_stuff_from_parts():
    case = line_case([[(0, 8)], [(8, 15)], [(15, 20)]], [0.9, 0.9, 0.9])
    greedy = case.select(CoverageMaskSelector())
    assert (greedy.chosen, greedy.measures.coverage) == ((0, 1, 2), 1)
    best = CoverageMaskSelector(merge='best')
    assert case.select(best).chosen == ()
    assert case.select(replace(best, min_coverage=0.4)).chosen == (0,)


def test_selector_compares_coverage_in_steps():
    nested = [[(0, 20)], [(0, 19)], [(0, 10)]]
    best = CoverageMaskSelector(merge='best', coverage_step=0.2)
    # 0.95 and 1 are within one step: the predicted IoU decides.
    assert line_case(nested, [0.7, 0.9, 0.95]).select(best).chosen == (1,)
    assert line_case(nested, [0.9, 0.7, 0.95]).select(best).chosen == (0,)


def test_selector_takes_the_smaller_of_equal_masks():
    masks = [[(0, 24)], [(0, 20)], [(0, 22)]]
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        case = line_case([masks[index] for index in order], [0.9] * 3)
        assert case.select(CoverageMaskSelector()).chosen == (order.index(1),)


def test_selector_rejects_masks_without_a_score():
    case = line_case([[(0, 20)], [(0, 20)]], [np.nan, 0.2])
    assert case.select(CoverageMaskSelector()).chosen == (1,)
    case = line_case([[(0, 20)]], [np.nan])
    assert case.select(CoverageMaskSelector()).chosen == ()


def test_selector_rejects_masks_outside_the_component():
    case = line_case([[(20, 25)], []], [0.9, 0.9])
    lenient = CoverageMaskSelector(min_coverage=0, max_conflict=1)
    assert case.select(lenient).chosen == ()
    assert not lenient.accepts(Measures(0, 0, 0))
    assert lenient.accepts(Measures(0.01, 1, 0))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(merge='all'), "merge='all'"),
        (dict(max_conflict=1.1), 'max_conflict=1.1'),
        (dict(min_predicted_iou=-0.1), 'min_predicted_iou=-0.1'),
        (dict(min_stability=2), 'min_stability=2'),
        (dict(min_coverage=50), 'min_coverage=50'),
        (dict(min_coverage=float('nan')), 'min_coverage=nan'),
        (dict(coverage_step=0), 'above 0'),
        (dict(min_gain=0.0), 'above 0'),
    ],
)
def test_selector_raises_on_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        CoverageMaskSelector(**options)


def test_selector_rejects_mask_of_an_unlikely_expansion():
    label = np.full((4, 4), 255, np.uint8)
    label[1, 1:3] = 0
    masks = np.zeros((2, 4, 4), bool)
    masks[0] = True
    masks[1, 1] = True
    case = Case(label, masks, [0.9, 0.5])
    # Expansions are 8 and 2.
    seen = np.repeat([1.0, 2.0, 4.0, 8.0], 1000)
    case.prior = ExpansionPrior.fit(count_expansions(0, seen, seen > 2))
    selection = case.select(CoverageMaskSelector())
    assert selection.chosen == (1,)
    assert selection.verdicts == (Verdict.EXPANSION, Verdict.TAKEN)
    # Among masks within the limit the score decides.
    lenient = CoverageMaskSelector(max_rejected_share=1)
    assert case.select(lenient).chosen == (0,)
    case.prior = ExpansionPrior.none()
    assert case.select(CoverageMaskSelector()).chosen == (0,)
