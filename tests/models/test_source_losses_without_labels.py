"""The loss terms where pixels, images or batches have no label."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from mmseg_sesam.models.label_maps import LabelMaps

from .loss_terms import (
    CROSS_ENTROPY,
    NONE,
    TERMS,
    WEIGHTS,
    compute,
    make_head,
    make_maps,
    mean_entropy,
    total,
    unlabelled,
)

PROPERTY = settings(max_examples=50)

EXTRAS = {
    'cross entropy': [],
    'Dice': [dict(type='DiceLoss', use_sigmoid=False)],
    'Dice by sigmoid': [dict(type='DiceLoss')],
    'Focal': [dict(type='FocalLoss')],
    'Lovasz': [dict(type='LovaszLoss', reduction='none')],
    'Lovasz per image': [dict(type='LovaszLoss', per_image=True)],
    'Tversky': [dict(type='TverskyLoss')],
}


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        # The first keeps the worst pixels, the other the improbable ones.
        dict(sampler=dict(type='OHEMPixelSampler', min_kept=3)),
        dict(sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=3)),
    ],
    ids=['all pixels', 'worst pixels', 'improbable pixels'],
)
@pytest.mark.parametrize('class_weight', [None, WEIGHTS])
def test_source_losses_without_labels_are_zero(
    logits: Tensor, class_weight: list[float] | None, options: dict
) -> None:
    loss = dict(CROSS_ENTROPY, class_weight=class_weight)
    check_nothing_is_lost(logits, make_head(loss, **options))


@pytest.mark.parametrize('extra', EXTRAS.values(), ids=EXTRAS)
def test_source_losses_of_other_kinds_without_labels_are_zero(
    logits: Tensor, extra: list[dict]
) -> None:
    check_nothing_is_lost(logits, make_head(CROSS_ENTROPY, *extra))


# mmseg's FocalLoss takes no labels on a CPU.
@pytest.mark.parametrize('name', sorted(EXTRAS.keys() - {'Focal'}))
def test_source_losses_have_no_gradient_at_unlabelled_pixels(
    logits: Tensor, maps: LabelMaps, name: str
) -> None:
    head = make_head(CROSS_ENTROPY, *EXTRAS[name])
    total(compute(logits, maps, head, 5000)).backward()

    labelled = sum(maps.labelled().values()).bool()
    assert (logits.grad.abs().sum(dim=1) > 0).equal(labelled)


def check_nothing_is_lost(logits: Tensor, head: BaseDecodeHead) -> None:
    losses = compute(logits, unlabelled(2, 6, 4), head, 5000)
    total(losses).backward()

    assert all(value == 0 for value in losses.values())
    assert (logits.grad == 0).all()


@pytest.mark.parametrize('labelled', [1, 2], ids=['a pixel', 'two pixels'])
@pytest.mark.parametrize(
    'extra', [v for k, v in EXTRAS.items() if k != 'Focal']
)
def test_source_losses_of_an_unlabelled_image_beside_another(
    logits: Tensor, extra: list[dict], labelled: int
) -> None:
    maps = unlabelled(2, 6, 4)
    maps.labels['weak'][1, 0, :labelled] = 2
    head = make_head(dict(CROSS_ENTROPY, class_weight=WEIGHTS), *extra)
    losses = compute(logits, maps, head, 0)
    total(losses).backward()

    torch.testing.assert_close(
        losses['loss_weak'], mean_entropy(logits, maps.labels['weak'])
    )
    assert all(value.isfinite() for value in losses.values())
    assert logits.grad.isfinite().all() and logits.grad.any()


@pytest.fixture(scope='module')
def weighted_head() -> BaseDecodeHead:
    return make_head(dict(CROSS_ENTROPY, class_weight=WEIGHTS))


@PROPERTY
@given(data=st.data())
def test_source_losses_are_finite_for_any_labels(
    weighted_head: BaseDecodeHead, data: st.DataObject
) -> None:
    shape = (2, 3, 2)
    ids = st.lists(st.sampled_from([0, 1, 2, NONE]), min_size=12, max_size=12)
    given_maps = [
        torch.tensor(data.draw(ids), dtype=torch.uint8).view(shape)
        for _ in range(3)
    ]
    maps = make_maps(*given_maps)
    scale = data.draw(st.sampled_from([1.0, 100.0]))
    torch.manual_seed(0)
    logits = (scale * torch.randn(2, 3, 3, 2)).requires_grad_()

    losses = compute(logits, maps, weighted_head, 0, confident=dict(ramp=0))
    total(losses).backward()

    assert logits.grad.isfinite().all()
    for name, labelled in zip(TERMS, maps.labelled().values()):
        assert losses[name].isfinite()
        assert (losses[name] == 0) or labelled.any()
    touched = torch.stack([*maps.labelled().values()]).any(dim=0)
    assert (logits.grad.abs().sum(dim=1)[~touched] == 0).all()
