"""Three label maps of which no two label the same pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_sesam.models.label_maps import (
    LabelMaps,
    inside_images,
    stack_labels,
)

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)
MAPS = arrays(
    np.uint8, (3, 2, 3, 4), elements=st.sampled_from([0, 1, 2, 7, 255])
).map(torch.from_numpy)


@PROPERTY
@given(MAPS, st.sampled_from([7, 255]))
def test_no_pixel_is_labelled_twice_and_none_is_lost(
    given_maps: Tensor, ignore_index: int
) -> None:
    before = given_maps.clone()
    maps = LabelMaps.disjoint(*given_maps, ignore_index)
    labelled = torch.stack(maps.labelled())
    there = given_maps != ignore_index

    assert torch.equal(labelled.sum(dim=0) == 1, there.any(dim=0))
    assert labelled.sum(dim=0).max() <= 1
    for label, where, original in zip(maps, labelled, given_maps):
        assert label.dtype == torch.uint8
        assert torch.equal(label[where], original[where])
        assert (label[~where] == ignore_index).all()
    assert torch.equal(given_maps, before)


@PROPERTY
@given(MAPS)
def test_people_come_before_sam_and_sam_before_the_teacher(
    given_maps: Tensor,
) -> None:
    there = given_maps != 255
    maps = LabelMaps.disjoint(*given_maps, 255)
    weak, pseudo, confident = maps.labelled()

    assert torch.equal(maps.weak, given_maps[0])
    assert torch.equal(pseudo, there[1] & ~there[0])
    assert torch.equal(confident, there[2] & ~there[1] & ~there[0])


def test_shares_of_pixels() -> None:
    weak, pseudo, confident = torch.full((3, 1, 2, 4), 255, dtype=torch.uint8)
    weak[0, 0] = 1
    pseudo[0, :, 0] = 2
    confident[0, 1, :3] = 0
    maps = LabelMaps.disjoint(weak, pseudo, confident, 255)

    assert maps.shares() == dict(
        share_weak=0.5, share_pseudo=0.125, share_confident=0.25
    )


def make_sample(label: int, shape: tuple[int, int]) -> SegDataSample:
    data = torch.full((1, 4, 6), label, dtype=torch.uint8)
    sample = SegDataSample(metainfo=dict(img_shape=shape))
    return sample.set_data(dict(gt_sem_seg=PixelData(data=data))) or sample


@pytest.fixture
def samples() -> list[SegDataSample]:
    return [make_sample(1, (4, 6)), make_sample(2, (3, 2))]


def test_stacking(samples: list[SegDataSample]) -> None:
    stacked = stack_labels(samples, 'gt_sem_seg')

    assert stacked.shape == (2, 4, 6) and stacked.dtype == torch.uint8
    assert (stacked[0] == 1).all() and (stacked[1] == 2).all()


def test_labels_that_a_pipeline_forgot(samples: list[SegDataSample]) -> None:
    with pytest.raises(ValueError) as error:
        stack_labels(samples, 'confident_sem_seg')
    for part in ('confident_sem_seg', 'with_confident', 'PackSeSAMInputs'):
        assert part in str(error.value)


def test_labels_that_may_be_absent(samples: list[SegDataSample]) -> None:
    default = torch.full((2, 4, 6), 7, dtype=torch.uint8)

    assert stack_labels(samples, 'pseudo_sem_seg', default) is default
    there = stack_labels(samples, 'gt_sem_seg', default)
    assert not (there == 7).any()


def test_padding_is_outside_of_images(samples: list[SegDataSample]) -> None:
    inside = inside_images(samples, stack_labels(samples, 'gt_sem_seg'))

    assert inside.dtype == torch.bool
    assert inside[0].all()
    assert inside[1].nonzero().tolist() == [
        [row, column] for row in range(3) for column in range(2)
    ]
