"""Selection over all components of an image."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmseg_sesam.core.conflict_prior import ConflictPrior, count_masks
from mmseg_sesam.core.selection import (
    CoverageMaskSelector,
    Verdict,
    measure_conflicts,
)

from .cases import Case, cases, evidence_of

PROPERTY = settings(max_examples=30)
LENIENT = CoverageMaskSelector(max_conflict=1, min_reliability=0)


@st.composite
def selectors(draw):
    return CoverageMaskSelector(
        max_conflict=draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
        min_reliability=draw(st.sampled_from([0.0, 0.3, 0.7])),
        min_predicted_iou=draw(st.sampled_from([0.0, 0.3])),
        min_gain=draw(st.sampled_from([0.01, 0.05, 0.3])),
    )


def failed_rule(candidates, conflict, number, selector):
    """Returns the first rule that rejects a candidate, None if none does."""
    if candidates.coverage[number] == 0:
        return Verdict.COVERAGE
    if conflict[number] > selector.max_conflict:
        return Verdict.CONFLICT
    if candidates.reliability[number] < selector.min_reliability:
        return Verdict.RELIABILITY
    if candidates.scores[number] < selector.min_predicted_iou:
        return Verdict.SCORE
    return None


@PROPERTY
@given(cases(), selectors())
def test_selector_gives_the_verdict_of_the_first_rule(case, selector):
    measured = case.measure()
    conflicts = measure_conflicts(measured)
    selections = selector(measured)
    assert len(selections) == len(measured)
    for candidates, conflict, selection in zip(
        measured, conflicts, selections
    ):
        np.testing.assert_array_equal(selection.conflict, conflict)
        assert len(selection.verdicts) == len(candidates.scores)
        for number, verdict in enumerate(selection.verdicts):
            expected = failed_rule(candidates, conflict, number, selector)
            if expected is None:
                taken = number in selection.chosen
                assert verdict is (Verdict.TAKEN if taken else Verdict.GAIN)
            else:
                assert verdict is expected
                assert number not in selection.chosen


@PROPERTY
@given(cases(), selectors())
def test_selector_takes_the_largest_allowed_mask_first(case, selector):
    for candidates, selection in zip(case.measure(), selector(case.measure())):
        allowed = [
            number
            for number, verdict in enumerate(selection.verdicts)
            if verdict in (Verdict.TAKEN, Verdict.GAIN)
        ]
        assert bool(allowed) == bool(selection.chosen)
        if allowed:
            sizes = candidates.inside.sum(axis=1)
            largest = max(sizes[number] for number in allowed)
            assert sizes[selection.chosen[0]] == largest


def adds(candidates, chosen, number, selector):
    """Whether a mask adds enough that is reliable to chosen ones."""
    union = candidates.inside[chosen].any(axis=0)
    part = candidates.inside[number] & ~union
    reliability = candidates.reliability_of_parts(
        np.array([number]), part[None]
    )
    return (
        part.sum() >= max(selector.min_gain * union.sum(), 1)
        and reliability >= selector.min_reliability
    )


@PROPERTY
@given(cases(), selectors())
def test_selector_adds_masks_while_each_gains(case, selector):
    for candidates, selection in zip(case.measure(), selector(case.measure())):
        chosen = list(selection.chosen)
        assert len(set(chosen)) == len(chosen)
        for count in range(1, len(chosen)):
            assert adds(candidates, chosen[:count], chosen[count], selector)
        for number, verdict in enumerate(selection.verdicts):
            if verdict is Verdict.GAIN:
                assert not all(
                    adds(candidates, chosen[:count], number, selector)
                    for count in range(1, len(chosen) + 1)
                )


@PROPERTY
@given(cases(), selectors(), st.randoms(use_true_random=False))
def test_selector_does_not_depend_on_the_order_of_components(
    case, selector, random
):
    order = list(range(len(case.masks)))
    random.shuffle(order)
    before, after = selector(case.measure()), selector(case.measure(order))
    for place, index in enumerate(order):
        assert after[place].chosen == before[index].chosen
        assert after[place].verdicts == before[index].verdicts
        np.testing.assert_allclose(
            after[place].conflict, before[index].conflict, rtol=1e-6
        )


@PROPERTY
@given(cases(), selectors(), st.randoms(use_true_random=False))
def test_selector_does_not_depend_on_the_order_of_candidates(
    case, selector, random
):
    # Of masks of one area either may be taken.
    areas = case.masks.sum(axis=(2, 3))
    count = areas.shape[1]
    assume(all(len(set(row)) == count for row in areas.tolist()))
    order = list(range(count))
    random.shuffle(order)
    before = selector(case.measure())
    after = selector(case.with_order(order).measure())
    for one, other in zip(before, after):
        assert one.verdicts == tuple(
            other.verdicts[order.index(number)] for number in range(count)
        )


@PROPERTY
@given(cases(), selectors(), st.data())
def test_selector_ignores_a_far_component_of_a_class_of_the_label(
    case, selector, data
):
    wide = ((0, 0), (0, 8))
    far = replace(
        case,
        label=np.pad(case.label, wide, constant_values=255),
        masks=np.pad(case.masks, ((0, 0), (0, 0), *wide)),
    )
    height, width = far.label.shape
    rng = np.random.default_rng(0)
    far.evidence = evidence_of(rng.random((height, width, 8)))
    class_id = data.draw(st.sampled_from([c.class_id for c in far.components]))
    more = replace(far, label=far.label.copy())
    more.label[0, -1] = class_id
    places = [
        place
        for place, component in enumerate(more.components)
        if component.bbox[1] < width - 8
    ]
    masks = np.zeros((len(places) + 1, *case.masks.shape[1:3], width), bool)
    masks[..., -6:] = True
    masks[places] = far.masks
    scores = np.ones(masks.shape[:2])
    scores[places] = far.scores
    more.masks, more.scores = masks, scores
    before, after = selector(far.measure()), selector(more.measure())
    for one, place in zip(before, places):
        assert one.chosen == after[place].chosen
        assert one.verdicts == after[place].verdicts
        np.testing.assert_allclose(one.conflict, after[place].conflict)


SKY, BUILDING, POLE = 0, 1, 2


def street(building_masks, **options):
    """Sky above a building, and a pole before the building.

    Returns a case whose components are sky, building and pole, in this
    order. The masks of sky and pole are right.
    """
    label = np.full((60, 40), 255, np.uint8)
    label[10, 5:35] = SKY
    label[40, 5:15] = BUILDING
    label[35:55, 20] = POLE
    sky, pole = np.zeros((2, *label.shape), bool)
    sky[:30] = True
    pole[32:58, 19:22] = True
    count = len(building_masks)
    masks = np.stack([[sky] * count, [pole] * count, building_masks])
    case = Case(label, masks, **options)
    ids = [component.class_id for component in case.components]
    assert ids == [SKY, POLE, BUILDING]
    return case


def test_selector_takes_a_building_with_a_pole_before_it():
    building = np.zeros((60, 40), bool)
    building[30:] = True
    case = street([building])
    sky, pole, made = CoverageMaskSelector()(case.measure())
    assert sky.chosen == pole.chosen == made.chosen == (0,)
    # The building's mask holds the whole pole, 78 of its 1200 pixels.
    np.testing.assert_allclose(made.conflict, 78 / 1200)
    assert pole.conflict == [0]


def test_selector_rejects_a_building_that_leaks_into_the_sky():
    whole = np.ones((60, 40), bool)
    lower = np.zeros((60, 40), bool)
    lower[30:] = True
    case = street([whole, lower])
    made = CoverageMaskSelector()(case.measure())[2]
    # Sky's mask is half of the whole image, the pole's some more.
    assert made.verdicts == (Verdict.CONFLICT, Verdict.TAKEN)
    np.testing.assert_allclose(made.conflict[0], (1200 + 78) / 2400)


def test_selector_rejects_a_pole_whose_mask_is_the_building():
    building = np.zeros((60, 40), bool)
    building[30:] = True
    case = street([building, building])
    # The first of the pole's two masks is that of the building.
    case.masks[1, 0] = building
    case.scores[1] = 0.5, 0.9
    case.scores[2] = 0.9
    made = CoverageMaskSelector()(case.measure())[1]
    assert made.verdicts == (Verdict.CONFLICT, Verdict.TAKEN)
    assert made.conflict[0] == 1


def test_selector_takes_a_building_before_which_a_pole_is_missed():
    building = np.zeros((60, 40), bool)
    building[30:] = True
    case = street([building])
    # The pole's mask is some pixels beside it.
    case.masks[1] = np.roll(case.masks[1], 4, axis=2)
    made = CoverageMaskSelector()(case.measure())
    assert made[1].verdicts == (Verdict.COVERAGE,)
    assert made[2].chosen == (0,)
    np.testing.assert_allclose(made[2].conflict, 78 / 1200)


def test_selector_rejects_masks_that_touch_a_component_without_a_mask():
    building = np.zeros((60, 40), bool)
    building[30:] = True
    case = street([building])
    case.masks[1] = False
    made = CoverageMaskSelector()(case.measure())
    assert made[1].verdicts == (Verdict.COVERAGE,)
    # Nothing tells how much of the building's mask the pole takes.
    assert made[2].verdicts == (Verdict.CONFLICT,)
    assert made[2].conflict == [1]


def line(masks, **options):
    """One component of 20 pixels in a row of 45, and masks by spans."""
    label = np.full((1, 45), 255, np.uint8)
    label[0, :20] = 3
    full = np.zeros((1, len(masks), 1, 45), bool)
    for mask, spans in zip(full[0], masks):
        for start, stop in spans:
            mask[0, start:stop] = True
    return Case(label, full, **options)


def select(case, selector=LENIENT):
    (selection,) = selector(case.measure())
    return selection


def test_selector_assembles_stuff_from_parts():
    case = line([[(0, 8)], [(8, 14)], [(14, 20)]])
    assert sorted(select(case).chosen) == [0, 1, 2]
    strict = replace(LENIENT, min_gain=0.8)
    assert select(case, strict).chosen == (0,)
    verdicts = select(case, strict).verdicts
    assert verdicts == (Verdict.TAKEN, Verdict.GAIN, Verdict.GAIN)


def test_selector_takes_the_largest_of_masks_between_pixels_of_evidence():
    # Evidence lies in every second column.
    case = line([[(1, 2)], [(1, 2), (3, 4)], [(5, 6)]])
    assert select(case).chosen == (1,)


def test_selector_rejects_masks_without_a_score():
    case = line([[(0, 20)], [(0, 10)]], scores=np.array([[np.nan, 0.2]]))
    assert select(case).chosen == (1,)
    assert select(case).verdicts == (Verdict.SCORE, Verdict.TAKEN)
    case = line([[(0, 20)]], scores=np.array([[np.nan]]))
    assert select(case).chosen == ()


def test_selector_rejects_masks_outside_the_component():
    case = line([[(20, 45)], []])
    assert select(case).verdicts == (Verdict.COVERAGE,) * 2
    assert select(case).chosen == ()


def test_selector_allows_values_at_their_limits():
    case = line([[(0, 20)]], scores=np.array([[0.5]]))
    at_limits = CoverageMaskSelector(max_conflict=0, min_predicted_iou=0.5)
    assert select(case, at_limits).chosen == (0,)
    for stricter, verdict in (
        (dict(min_predicted_iou=0.51), Verdict.SCORE),
        (dict(min_reliability=0.99), Verdict.RELIABILITY),
    ):
        selection = select(case, replace(at_limits, **stricter))
        assert (selection.chosen, selection.verdicts) == ((), (verdict,))


def test_selector_rejects_mask_of_an_unlikely_expansion():
    case = line([[(0, 45)], [(0, 20)]])
    # Expansions are 2.25 and 1.
    seen = np.repeat([1.0, 2.5, 8.0], 1000)
    case.prior = ConflictPrior.fit(
        count_masks(np.full(len(seen), 3), seen, np.zeros(len(seen)), seen > 2)
    )
    selection = select(case, CoverageMaskSelector())
    assert selection.verdicts == (Verdict.RELIABILITY, Verdict.TAKEN)
    assert select(case).chosen == (0,)


def test_selector_rejects_mask_against_the_evidence():
    label = np.full((9, 30), 255, np.uint8)
    label[4, 2:5], label[4, 25] = 0, 1
    masks = np.zeros((2, 2, 9, 30), bool)
    masks[0, 0, :, :6] = masks[0, 1, :, :24] = True
    masks[1, :, :, 25:] = True
    probabilities = np.full((9, 30, 2), 0.99)
    probabilities[:, :6, 1] = probabilities[:, 6:, 0] = 0.01
    case = Case(label, masks, evidence=evidence_of(probabilities))
    made = CoverageMaskSelector()(case.measure())[0]
    assert made.verdicts == (Verdict.TAKEN, Verdict.RELIABILITY)
    blind = CoverageMaskSelector()(replace(case, evidence=None).measure())
    assert blind[0].chosen == (1,)


def test_selector_adds_no_mask_for_what_it_holds_of_another_object():
    label = np.full((9, 30), 255, np.uint8)
    label[4, 1:18], label[4, 28] = 0, 1
    masks = np.zeros((2, 2, 9, 30), bool)
    # Evidence is for the second mask as a whole, and against its last part.
    masks[0, 0, :, :20] = masks[0, 1, :, 6:24] = True
    masks[1, :, :, 25:] = True
    probabilities = np.full((9, 30, 2), 0.99)
    probabilities[:, :20, 1] = probabilities[:, 20:, 0] = 0.01
    case = Case(label, masks, evidence=evidence_of(probabilities))
    measured = case.measure()[0]
    assert (measured.reliability > 0.8).all()
    made = CoverageMaskSelector()(case.measure())[0]
    assert made.verdicts == (Verdict.TAKEN, Verdict.GAIN)
    blind = CoverageMaskSelector()(replace(case, evidence=None).measure())
    assert blind[0].chosen == (0, 1)


def test_selector_of_a_label_without_components():
    empty = np.full((4, 5), 255, np.uint8)
    case = Case(empty, np.zeros((0, 3, 4, 5), bool))
    assert CoverageMaskSelector()(case.measure()) == []


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(max_conflict=1.1), 'max_conflict=1.1'),
        (dict(min_reliability=-1), 'min_reliability=-1'),
        (dict(min_reliability=1), 'min_reliability=1, .* below 1'),
        (dict(min_reliability=float('nan')), 'min_reliability=nan'),
        (dict(min_predicted_iou=-0.1), 'min_predicted_iou=-0.1'),
        (dict(min_gain=0.0), 'above 0'),
    ],
)
def test_selector_raises_on_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        CoverageMaskSelector(**options)
