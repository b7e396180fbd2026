"""Composition of masks and a weak label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.candidates import MaskCandidates
from mmseg_sesam.core.component_candidates import (
    PreparedLabel,
    decode_components,
)
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.compose import ScoredMask, compose
from mmseg_sesam.core.expansion import ExpansionPrior
from mmseg_sesam.core.labelled_pixels import LabelledPixels, find_exclusive
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)


@st.composite
def scenes(draw):
    """A label, and (mask, class, score) of masks with many ties."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=16))
    elements = st.sampled_from([0, 7, 255, 255, 255])
    label = draw(hnp.arrays(np.uint8, shape, elements=elements))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    masks = []
    for _ in range(draw(st.integers(0, 6))):
        mask = rng.random(shape) < rng.random()
        mask[rng.integers(shape[0]), rng.integers(shape[1])] = True
        masks.append(
            (mask, int(rng.integers(4)), float(rng.choice([0.5, 0.7])))
        )
    return label, masks


def scored(mask, class_id, score):
    rows, cols = np.nonzero(mask)
    row, col = int(rows.min()), int(cols.min())
    crop = mask[row : rows.max() + 1, col : cols.max() + 1]
    return ScoredMask(class_id, row, col, crop, score, int(crop.sum()))


def lay(label, masks, ignore_index=255):
    return compose(label, [scored(*m) for m in masks], ignore_index)


@PROPERTY
@given(scenes())
def test_compose_keeps_labelled_pixels(scene):
    label, masks = scene
    labelled = label != 255
    composed = lay(label, masks)
    assert composed.dtype == np.uint8
    np.testing.assert_array_equal(composed[labelled], label[labelled])


@PROPERTY
@given(scenes())
def test_compose_takes_the_best_mask_of_each_pixel(scene):
    label, masks = scene
    expected = label.copy()
    for row, col in np.argwhere(label == 255):
        ranks = [
            (score, -mask.sum(), class_id)
            for mask, class_id, score in masks
            if mask[row, col]
        ]
        expected[row, col] = max(ranks)[-1] if ranks else 255
    np.testing.assert_array_equal(lay(label, masks), expected)


@PROPERTY
@given(scenes(), st.randoms(use_true_random=False))
def test_compose_does_not_depend_on_the_order_of_masks(scene, random):
    label, masks = scene
    composed = lay(label, masks)
    random.shuffle(masks)
    np.testing.assert_array_equal(lay(label, masks), composed)


@PROPERTY
@given(scenes())
def test_compose_does_not_depend_on_orientation(scene):
    label, masks = scene
    turned = [(np.rot90(mask), *rest) for mask, *rest in masks]
    np.testing.assert_array_equal(
        lay(np.rot90(label), turned), np.rot90(lay(label, masks))
    )


@PROPERTY
@given(scenes())
def test_compose_leaves_its_arguments_unchanged(scene):
    label, masks = scene
    copies = label.copy(), [mask.copy() for mask, *_ in masks]
    lay(label, masks)
    np.testing.assert_array_equal(label, copies[0])
    for (mask, *_), copy in zip(masks, copies[1]):
        np.testing.assert_array_equal(mask, copy)


def test_compose_prefers_a_better_score_to_a_smaller_area():
    label = np.full((4, 6), 255, np.uint8)
    large, small = np.ones((4, 6), bool), np.zeros((4, 6), bool)
    small[1:3, 1:3] = True
    assert (lay(label, [(large, 1, 0.9), (small, 2, 0.8)]) == 1).all()
    composed = lay(label, [(large, 1, 0.8), (small, 2, 0.9)])
    np.testing.assert_array_equal(composed, np.where(small, 2, 1))


def test_compose_takes_the_smaller_mask_at_equal_scores():
    label = np.full((4, 6), 255, np.uint8)
    large, small = np.ones((4, 6), bool), np.zeros((4, 6), bool)
    small[1:3, 1:3] = True
    composed = lay(label, [(small, 2, 0.9), (large, 1, 0.9)])
    np.testing.assert_array_equal(composed, np.where(small, 2, 1))


@pytest.mark.parametrize('ignore_index', [0, 255])
def test_compose_without_masks_returns_the_label(ignore_index):
    label = np.array([[0, 255, 3]], np.uint8)
    np.testing.assert_array_equal(lay(label, [], ignore_index), label)


def test_compose_with_three_hundred_objects():
    """The whole method, with boxes in place of a segmenter."""
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
    prepared = PreparedLabel(
        label,
        components,
        SkeletonPrompter(max_points=1)(components),
        LabelledPixels.gather(
            components, find_exclusive(components), max_pixels=20000
        ),
        ExpansionPrior.none(),
    )

    def decode(prompts):
        masks = np.zeros((len(prompts), 2, *label.shape), bool)
        for own, prompt in zip(masks, prompts):
            x, y = prompt.points[0].astype(int)
            own[0][boxes[y // 68 * 20 + x // 102]] = True
            own[1][:, :1024] = True
        return MaskCandidates(masks, np.ones((len(prompts), 2)))

    select, masks = CoverageMaskSelector(), []
    for candidates in decode_components(decode, prepared, range(300), 8):
        selection = select(candidates)
        assert selection.chosen == (0,)
        class_id = candidates.component.class_id
        masks.append(scored(selection.mask, class_id, 1.0))
    np.testing.assert_array_equal(compose(label, masks), truth)
