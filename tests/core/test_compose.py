"""Composition of masks and a weak label."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.candidates import MaskCandidates, MaskCrop
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.compose import ClassMask, compose
from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.core.decoding import draw_unions, measure_components
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector

PROPERTY = settings(max_examples=50)


@st.composite
def scenes(draw):
    """A label, and (mask, class) of masks, some of equal area."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=16))
    elements = st.sampled_from([0, 7, 255, 255, 255])
    label = draw(hnp.arrays(np.uint8, shape, elements=elements))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    masks = []
    for _ in range(draw(st.integers(0, 6))):
        mask = rng.random(shape) < rng.random()
        mask[rng.integers(shape[0]), rng.integers(shape[1])] = True
        masks.append((mask, int(rng.integers(4))))
        if rng.random() < 0.3:
            turned = np.ascontiguousarray(mask[::-1, ::-1])
            masks.append((turned, int(rng.integers(4))))
    return label, masks


def pack(mask, class_id):
    return ClassMask.of(MaskCrop.of(mask), class_id)


def lay(label, masks):
    return compose(label, [pack(*m) for m in masks])


@PROPERTY
@given(scenes())
def test_crop_is_the_mask_in_its_bounding_box(scene):
    for mask, class_id in scene[1]:
        crop = pack(mask, class_id)
        whole = np.zeros_like(mask)
        whole[crop.window] = crop.mask
        np.testing.assert_array_equal(whole, mask)
        assert (crop.class_id, crop.area) == (class_id, mask.sum())
        np.testing.assert_array_equal(crop.rows(slice(1, 3)), crop.mask[1:3])
        for edge in (0, -1):
            assert crop.mask[edge].any() and crop.mask[:, edge].any()


@PROPERTY
@given(scenes())
def test_compose_takes_the_smallest_mask_of_each_pixel(scene):
    label, masks = scene
    expected = label.copy()
    composed = lay(label, masks)
    np.testing.assert_array_equal(label, expected)
    for row, col in np.argwhere(label == 255):
        ranks = [
            (-mask.sum(), class_id)
            for mask, class_id in masks
            if mask[row, col]
        ]
        expected[row, col] = max(ranks)[-1] if ranks else 255
    np.testing.assert_array_equal(composed, expected)
    assert composed.dtype == np.uint8


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
        LabelledPixels.gather(components, max_pixels=20000),
        Evidence.none(label.shape),
        ConflictPrior.none(),
    )

    def decode(prompts):
        masks = np.zeros((len(prompts), 2, *label.shape), bool)
        for own, prompt in zip(masks, prompts):
            x, y = prompt.points[0].astype(int)
            own[0][boxes[y // 68 * 20 + x // 102]] = True
            own[1][:, :1024] = True
        return MaskCandidates(masks, np.tile([1, 0.9], (len(prompts), 1)))

    measured = measure_components(decode, prepared, 8)
    selections = CoverageMaskSelector()(measured)
    chosen = {i: made.chosen for i, made in enumerate(selections)}
    assert set(chosen.values()) == {(0,)}
    masks = [
        ClassMask.of(crop, components[place].class_id)
        for place, crop in draw_unions(decode, measured, chosen, 8)
    ]
    np.testing.assert_array_equal(compose(label, masks), truth)
