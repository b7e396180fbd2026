"""Label maps of which no two label the same pixel."""

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

PROPERTY = settings(max_examples=50)
MAPS = arrays(
    np.uint8, (3, 2, 3, 4), elements=st.sampled_from([0, 1, 2, 7, 255])
).map(torch.from_numpy)


def make_maps(*labels: Tensor) -> LabelMaps:
    named = dict(zip(('weak', 'pseudo', 'confident'), labels))
    inside = torch.ones_like(labels[0], dtype=torch.bool)
    return LabelMaps.disjoint(named, inside)


@PROPERTY
@given(MAPS)
def test_disjoint_labels_each_pixel_once(given_maps: Tensor) -> None:
    before = given_maps.clone()
    maps = make_maps(*given_maps)
    labelled = torch.stack([*maps.labelled().values()])
    there = given_maps != 255

    assert torch.equal(labelled.sum(dim=0) == 1, there.any(dim=0))
    assert labelled.sum(dim=0).max() <= 1
    for label, where, original in zip(
        maps.labels.values(), labelled, given_maps
    ):
        assert label.dtype == torch.uint8
        assert torch.equal(label[where], original[where])
        assert (label[~where] == 255).all()
    assert torch.equal(maps.merged() != 255, there.any(dim=0))
    assert torch.equal(given_maps, before)


@PROPERTY
@given(MAPS)
def test_disjoint_gives_pixels_to_the_first_source(
    given_maps: Tensor,
) -> None:
    there = given_maps != 255
    maps = make_maps(*given_maps)
    _, pseudo, confident = maps.labelled().values()

    assert torch.equal(maps.labels['weak'], given_maps[0])
    assert torch.equal(pseudo, there[1] & ~there[0])
    assert torch.equal(confident, there[2] & ~there[1] & ~there[0])


def test_shares_counts_pixels() -> None:
    weak, pseudo, confident = torch.full((3, 1, 2, 4), 255, dtype=torch.uint8)
    weak[0, 0] = 1
    pseudo[0, :, 0] = 2
    confident[0, 1, :3] = 0
    maps = make_maps(weak, pseudo, confident)

    assert maps.shares() == dict(
        share_weak=0.5, share_pseudo=0.125, share_confident=0.25
    )


def test_shares_leave_padding_out() -> None:
    label = torch.full((1, 2, 4), 255, dtype=torch.uint8)
    label[0, 0, :2] = 1
    inside = torch.zeros_like(label, dtype=torch.bool)
    inside[0, 0] = True
    maps = LabelMaps.disjoint(dict(weak=label), inside)

    assert maps.shares() == dict(share_weak=0.5)


def make_sample(label: int, shape: tuple[int, int]) -> SegDataSample:
    data = torch.full((1, 4, 6), label, dtype=torch.uint8)
    sample = SegDataSample(metainfo=dict(img_shape=shape))
    return sample.set_data(dict(gt_sem_seg=PixelData(data=data))) or sample


@pytest.fixture
def samples() -> list[SegDataSample]:
    return [make_sample(1, (4, 6)), make_sample(2, (3, 2))]


def test_stack_labels(samples: list[SegDataSample]) -> None:
    stacked = stack_labels(samples, 'gt_sem_seg')

    assert stacked.shape == (2, 4, 6) and stacked.dtype == torch.uint8
    assert (stacked[0] == 1).all() and (stacked[1] == 2).all()


def test_stack_labels_names_missing_field(
    samples: list[SegDataSample],
) -> None:
    with pytest.raises(ValueError) as error:
        stack_labels(samples, 'confident_sem_seg')
    for part in ('confident_sem_seg', 'PackSeSAMInputs'):
        assert part in str(error.value)


@pytest.mark.parametrize('place', [0, 1])
def test_stack_labels_names_the_sample_without_a_field(
    samples: list[SegDataSample], place: int
) -> None:
    samples[place].set_metainfo(dict(img_path='town/b.png'))
    own = samples[1 - place]
    own.set_data(dict(own_sem_seg=own.gt_sem_seg))
    with pytest.raises(ValueError, match='of town/b.png has no own_sem_seg'):
        stack_labels(samples, 'own_sem_seg')


def test_inside_images_leaves_padding_out(
    samples: list[SegDataSample],
) -> None:
    inside = inside_images(samples, stack_labels(samples, 'gt_sem_seg'))

    assert inside.dtype == torch.bool
    assert inside[0].all()
    assert inside[1].nonzero().tolist() == [
        [row, column] for row in range(3) for column in range(2)
    ]
