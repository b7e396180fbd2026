"""Composition: the better claim wins, and the label always does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.compose import ScoredMask, compose
from mmseg_sesam.core.labelled_pixels import LabelledPixels, find_rivals
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)


@st.composite
def scenes(draw):
    """A label, and (mask, class, score) of claims with many ties."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=16))
    elements = st.sampled_from([0, 7, 255, 255, 255])
    label = draw(hnp.arrays(np.uint8, shape, elements=elements))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    claims = []
    for _ in range(draw(st.integers(0, 6))):
        mask = rng.random(shape) < rng.random()
        mask[rng.integers(shape[0]), rng.integers(shape[1])] = True
        claims.append(
            (mask, int(rng.integers(4)), float(rng.choice([0.5, 0.7])))
        )
    return label, claims


def claim_of(mask, class_id, score):
    rows, cols = np.nonzero(mask)
    row, col = int(rows.min()), int(cols.min())
    crop = mask[row : rows.max() + 1, col : cols.max() + 1]
    return ScoredMask(class_id, row, col, crop, score, int(crop.sum()))


def lay(label, claims, ignore_index=255):
    return compose(label, [claim_of(*c) for c in claims], ignore_index)


@PROPERTY
@given(scenes())
def test_labelled_pixels_keep_their_class(scene):
    label, claims = scene
    labelled = label != 255
    composed = lay(label, claims)
    assert composed.dtype == np.uint8
    np.testing.assert_array_equal(composed[labelled], label[labelled])


@PROPERTY
@given(scenes())
def test_each_pixel_goes_to_its_best_claim(scene):
    label, claims = scene
    expected = label.copy()
    for row, col in np.argwhere(label == 255):
        ranks = [
            (score, -mask.sum(), class_id)
            for mask, class_id, score in claims
            if mask[row, col]
        ]
        expected[row, col] = max(ranks)[-1] if ranks else 255
    np.testing.assert_array_equal(lay(label, claims), expected)


@PROPERTY
@given(scenes(), st.randoms(use_true_random=False))
def test_the_order_of_claims_plays_no_part(scene, random):
    label, claims = scene
    composed = lay(label, claims)
    random.shuffle(claims)
    np.testing.assert_array_equal(lay(label, claims), composed)


@PROPERTY
@given(scenes())
def test_turning_everything_turns_the_result(scene):
    label, claims = scene
    turned = [(np.rot90(mask), *rest) for mask, *rest in claims]
    np.testing.assert_array_equal(
        lay(np.rot90(label), turned), np.rot90(lay(label, claims))
    )


@PROPERTY
@given(scenes())
def test_nothing_that_is_given_changes(scene):
    label, claims = scene
    copies = label.copy(), [mask.copy() for mask, *_ in claims]
    lay(label, claims)
    np.testing.assert_array_equal(label, copies[0])
    for (mask, *_), copy in zip(claims, copies[1]):
        np.testing.assert_array_equal(mask, copy)


def test_a_better_score_wins_whatever_the_area():
    label = np.full((4, 6), 255, np.uint8)
    large, small = np.ones((4, 6), bool), np.zeros((4, 6), bool)
    small[1:3, 1:3] = True
    assert (lay(label, [(large, 1, 0.9), (small, 2, 0.8)]) == 1).all()
    composed = lay(label, [(large, 1, 0.8), (small, 2, 0.9)])
    np.testing.assert_array_equal(composed, np.where(small, 2, 1))


def test_at_equal_scores_the_smaller_mask_wins():
    label = np.full((4, 6), 255, np.uint8)
    large, small = np.ones((4, 6), bool), np.zeros((4, 6), bool)
    small[1:3, 1:3] = True
    composed = lay(label, [(small, 2, 0.9), (large, 1, 0.9)])
    np.testing.assert_array_equal(composed, np.where(small, 2, 1))


@pytest.mark.parametrize('ignore_index', [0, 255])
def test_without_claims_the_label_remains(ignore_index):
    label = np.array([[0, 255, 3]], np.uint8)
    np.testing.assert_array_equal(lay(label, [], ignore_index), label)


def test_three_hundred_objects_on_a_large_image():
    """All of the method but the segmenter, for which boxes stand in."""
    truth = np.full((1024, 2048), 255, np.uint8)
    label = truth.copy()
    boxes = [
        np.s_[row * 68 + 4 : row * 68 + 60, col * 102 + 4 : col * 102 + 94]
        for row in range(15)
        for col in range(20)
    ]
    for index, box in enumerate(boxes):
        truth[box] = index % 19
        # A stroke from the upper left to the lower right.
        offset = np.arange(10, 46)
        for wide in range(3):
            label[box][offset, 2 * offset - 8 + wide] = index % 19
    components = find_components(label)
    assert len(components) == 300
    evidence = LabelledPixels.gather(
        components, find_rivals(components), max_pixels=20000
    )
    select = CoverageMaskSelector()
    claims = []
    for owner, prompts in enumerate(SkeletonPrompter()(components)):
        component = components[owner]
        points = prompts[0].points.astype(int)
        (inside,) = {(y // 68 * 20 + x // 102) for x, y in points.tolist()}
        masks = np.zeros((2, *label.shape), bool)
        masks[0][boxes[inside]] = True
        masks[1][:, :1024] = True
        hits = masks[:, evidence.rows, evidence.cols]
        ones = np.ones(2, np.float32)
        selection = select(hits, evidence, owner, *[ones] * 3, 0 * ones)
        assert selection.chosen == (0,)
        claims.append(
            claim_of(masks[0], component.class_id, selection.coverage)
        )
    np.testing.assert_array_equal(compose(label, claims), truth)
