"""Crops of masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmseg_sesam.core.candidates import MaskCrop
from mmseg_sesam.core.compose import ClassMask

PROPERTY = settings(max_examples=100)
SHAPE = 9, 12
MASKS = arrays(bool, SHAPE, elements=st.sampled_from([False] * 9 + [True]))


@PROPERTY
@given(st.lists(MASKS, min_size=1, max_size=4))
def test_union_of_crops_is_that_of_the_masks(masks):
    crops = [MaskCrop.of(mask) for mask in masks]
    union = MaskCrop.union(crops)
    expected = np.logical_or.reduce(masks)
    np.testing.assert_array_equal(union.whole(), expected)
    assert union.shape == SHAPE
    # No row or column around it is empty.
    assert union.mask.shape == MaskCrop.of(expected).mask.shape


@PROPERTY
@given(MASKS, MASKS, st.integers(0, 8), st.integers(0, 11))
def test_count_in_counts_shared_pixels(mask, other, row, col):
    part = other[row:, col:]
    packed = ClassMask.of(MaskCrop.of(mask), 3)
    count = packed.count_in(part, (row, col))
    assert count == (mask[row:, col:] & part).sum()


@PROPERTY
@given(MASKS, st.integers(-3, 9), st.integers(-3, 12))
def test_paste_sets_the_pixels_of_a_part(mask, row, col):
    canvas = np.zeros((5, 6), bool)
    MaskCrop.of(mask).paste(canvas, (row, col))
    padded = np.pad(mask, 20)
    expected = padded[20 + row : 25 + row, 20 + col : 26 + col]
    np.testing.assert_array_equal(canvas, expected)
