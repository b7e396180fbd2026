"""The loss terms against torch's own cross entropy and known values."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.source_losses import ramp

from .loss_terms import (
    CROSS_ENTROPY,
    NONE,
    TERMS,
    WEIGHTS,
    compute,
    make_head,
    make_maps,
    mean_entropy,
    random_ids,
    total,
    unlabelled,
)


@pytest.fixture
def head() -> BaseDecodeHead:
    return make_head(CROSS_ENTROPY)


def test_source_losses_by_hand(head: BaseDecodeHead) -> None:
    # Class 0 has probability 1/2 everywhere, 1 and 2 have 1/4.
    logits = torch.tensor([2.0, 1.0, 1.0]).log().view(1, 3, 1, 1)
    logits = logits.expand(1, 3, 2, 4)
    label = torch.full((3, 1, 2, 4), NONE, dtype=torch.uint8)
    label[0, 0, 0, :2] = torch.tensor([0, 1])
    label[1, 0, 0, 2] = 2
    label[2, 0, 1, 0] = 0

    losses = compute(
        logits,
        make_maps(*label),
        head,
        pseudo=dict(loss_weight=0.5),
        confident=dict(loss_weight=10, ramp=0),
    )

    assert losses.keys() == {*TERMS, 'acc_seg'}
    ln2 = math.log(2)
    assert losses['loss_weak'].item() == pytest.approx((ln2 + 2 * ln2) / 2)
    assert losses['loss_pseudo'].item() == pytest.approx(0.5 * 2 * ln2)
    # Five pixels are neither weakly labelled nor SAM's.
    assert losses['loss_confident'].item() == pytest.approx(10 * ln2 / 5)
    assert losses['acc_seg'].item() == 50


def test_source_losses_average_over_their_own_pixels(
    logits: Tensor, maps: LabelMaps, head: BaseDecodeHead
) -> None:
    losses = compute(
        logits,
        maps,
        head,
        10**6,
        weak=dict(loss_weight=2),
        pseudo=dict(loss_weight=3),
        confident=dict(loss_weight=4),
    )

    torch.testing.assert_close(
        losses['loss_weak'], 2 * mean_entropy(logits, maps.labels['weak'])
    )
    torch.testing.assert_close(
        losses['loss_pseudo'], 3 * mean_entropy(logits, maps.labels['pseudo'])
    )
    # 8 of the 24 pixels outside of the first two are confident.
    torch.testing.assert_close(
        losses['loss_confident'],
        4 * mean_entropy(logits, maps.labels['confident']) * 8 / 24,
    )


@pytest.mark.parametrize('name', ['weak', 'pseudo', 'confident'])
def test_source_losses_by_remaining_pixels_leave_padding_out(
    logits: Tensor, maps: LabelMaps, head: BaseDecodeHead, name: str
) -> None:
    # The last two rows, without labels, become padding.
    maps.inside[:, 4:] = False
    by_remaining = {name: dict(normalizer='remaining')}
    losses = compute(logits, maps, head, 10**6, **by_remaining)
    by_labelled = {name: dict(normalizer='labelled')}
    mean = compute(logits, maps, head, 10**6, **by_labelled)

    share = dict(weak=16 / 32, pseudo=8 / 16, confident=8 / 8)[name]
    term = f'loss_{name}'
    torch.testing.assert_close(losses[term], mean[term] * share)


def test_source_losses_class_weights_hold_for_weak_labels(
    logits: Tensor, maps: LabelMaps
) -> None:
    head = make_head(dict(CROSS_ENTROPY, class_weight=WEIGHTS))
    losses = compute(logits, maps, head, 0)

    torch.testing.assert_close(
        losses['loss_weak'],
        mean_entropy(
            logits, maps.labels['weak'], weight=torch.tensor(WEIGHTS)
        ),
    )
    torch.testing.assert_close(
        losses['loss_pseudo'], mean_entropy(logits, maps.labels['pseudo'])
    )


def test_source_losses_scale_with_the_weight_of_the_head_loss(
    logits: Tensor, maps: LabelMaps, head: BaseDecodeHead
) -> None:
    whole = compute(logits, maps, head, 2000)
    auxiliary = make_head(dict(CROSS_ENTROPY, loss_weight=0.4))
    part = compute(logits, maps, auxiliary, 2000)

    for name in TERMS:
        torch.testing.assert_close(part[name], 0.4 * whole[name])
    assert part['acc_seg'] == whole['acc_seg']


def test_source_losses_add_up_several_cross_entropies(
    logits: Tensor, maps: LabelMaps
) -> None:
    weighted = dict(CROSS_ENTROPY, class_weight=WEIGHTS, loss_weight=2.0)
    head = make_head(CROSS_ENTROPY, weighted)
    losses = compute(logits, maps, head, 0)

    expected = mean_entropy(logits, maps.labels['weak']) + 2 * mean_entropy(
        logits, maps.labels['weak'], weight=torch.tensor(WEIGHTS)
    )
    torch.testing.assert_close(losses['loss_weak'], expected)


def test_source_losses_with_a_sampler_of_hard_pixels(
    logits: Tensor, maps: LabelMaps
) -> None:
    # Without a threshold it keeps the 3 worst pixels of an image.
    sampler = dict(type='OHEMPixelSampler', min_kept=3)
    head = make_head(CROSS_ENTROPY, sampler=sampler)
    losses = compute(logits, maps, head, 0)

    entropy = F.cross_entropy(
        logits, maps.labels['weak'].long(), reduction='none', ignore_index=NONE
    )
    worst = entropy.flatten().topk(6).values
    torch.testing.assert_close(losses['loss_weak'], worst.sum() / 16)
    torch.testing.assert_close(
        losses['loss_pseudo'], mean_entropy(logits, maps.labels['pseudo'])
    )


def test_source_losses_give_other_losses_the_sampled_pixels(
    logits: Tensor, maps: LabelMaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SampledPixels(nn.Module):
        loss_name = 'loss_sampled'

        def forward(self, logits, label, weight=None, ignore_index=255):
            return weight.sum()

    monkeypatch.setitem(MODELS.module_dict, 'SampledPixels', SampledPixels)
    # With this threshold it keeps the 3 worst pixels of an image.
    sampler = dict(type='OHEMPixelSampler', thresh=1e-6, min_kept=3)
    own = [CROSS_ENTROPY, dict(type='SampledPixels')]
    losses = compute(logits, maps, make_head(*own, sampler=sampler), 0)
    assert losses['loss_sampled'] == 6


@pytest.mark.parametrize(
    'extra',
    [
        dict(type='LovaszLoss', reduction='none'),
        dict(type='LovaszLoss', per_image=True),
        dict(type='TverskyLoss'),
    ],
    ids=lambda extra: extra['type'],
)
def test_source_losses_give_other_losses_the_weak_labels(
    logits: Tensor, maps: LabelMaps, extra: dict
) -> None:
    extra = dict(extra, loss_weight=3.0)
    head = make_head(CROSS_ENTROPY, extra)
    losses = compute(logits, maps, head, 0, weak=dict(loss_weight=2))

    stock = head.loss_decode[1]
    expected = stock(logits, maps.labels['weak'].long(), ignore_index=NONE)
    assert expected > 0
    torch.testing.assert_close(losses[stock.loss_name], 2 * expected)
    torch.testing.assert_close(
        losses['loss_weak'], 2 * mean_entropy(logits, maps.labels['weak'])
    )


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('use_sigmoid', [True, False])
def test_source_losses_dice_of_dense_labels_is_the_stock_one(
    logits: Tensor, use_sigmoid: bool, reduction: str
) -> None:
    dice = dict(type='DiceLoss', use_sigmoid=use_sigmoid, reduction=reduction)
    head = make_head(CROSS_ENTROPY, dice)
    maps = unlabelled(2, 6, 4)
    maps.labels['weak'] = random_ids(2, 6, 4)
    losses = compute(logits, maps, head, 0)

    expected = head.loss_decode[1](logits, maps.labels['weak'].long())
    torch.testing.assert_close(losses['loss_dice'], expected)


def test_source_losses_dice_by_hand() -> None:
    logits = torch.tensor([3.0, 1.0]).log().view(1, 2, 1, 1)
    logits = torch.cat([logits, logits, 100 * logits], dim=3)
    dice = dict(type='DiceLoss', use_sigmoid=False, eps=0.0)
    head = make_head(CROSS_ENTROPY, dice, num_classes=2)
    maps = unlabelled(1, 1, 3)
    maps.labels['weak'][0, 0, :2] = 0
    losses = compute(logits, maps, head, 0)

    # Of labelled pixels: probabilities 3/4 and 1/4.
    expected = 1 - 2 * 0.75 / (0.75**2 + 0.25**2 + 1)
    assert losses['loss_dice'].item() == pytest.approx(expected)


@pytest.mark.parametrize('order', [1, -1], ids=['entropy first', 'last'])
def test_source_losses_weigh_sources_as_the_cross_entropy(
    logits: Tensor, maps: LabelMaps, order: int
) -> None:
    own = [dict(CROSS_ENTROPY, loss_weight=2.0), dict(type='DiceLoss')]
    losses = compute(logits, maps, make_head(*own[::order]), 0)

    torch.testing.assert_close(
        losses['loss_pseudo'], 2 * mean_entropy(logits, maps.labels['pseudo'])
    )


def test_source_losses_of_a_head_without_cross_entropy(
    logits: Tensor, maps: LabelMaps
) -> None:
    head = make_head(dict(type='TverskyLoss', loss_weight=1.0))
    losses = compute(logits, maps, head, 0)

    assert losses['loss_weak'] == 0
    assert losses['loss_tversky'] > 0
    torch.testing.assert_close(
        losses['loss_pseudo'], mean_entropy(logits, maps.labels['pseudo'])
    )


def test_source_losses_in_half_precision(
    maps: LabelMaps, head: BaseDecodeHead
) -> None:
    logits = torch.randn(2, 3, 6, 4, dtype=torch.bfloat16).requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = compute(logits, maps, head, 0)
        empty = compute(logits, unlabelled(2, 6, 4), head, 0)

    assert total(losses).isfinite() and total(losses) > 0
    assert total(empty) == 0


def test_source_losses_ramp_to_their_weights(
    logits: Tensor, maps: LabelMaps, head: BaseDecodeHead
) -> None:
    ramps = dict(pseudo=dict(ramp=10), confident=dict(ramp=100))
    full = compute(logits, maps, head, 100, **ramps)

    for step in (0, 5, 10, 50):
        losses = compute(logits, maps, head, step, **ramps)
        assert losses['loss_weak'] == full['loss_weak']
        for name, length in (('loss_pseudo', 10), ('loss_confident', 100)):
            torch.testing.assert_close(
                losses[name], ramp(step, length) * full[name]
            )


def test_ramp_grows_to_one() -> None:
    assert ramp(0, 0) == 1
    assert ramp(0, 100) == pytest.approx(math.exp(-5))
    assert ramp(50, 100) == pytest.approx(math.exp(-1.25))
    assert ramp(100, 100) == ramp(10**9, 100) == 1
    values = [ramp(step, 100) for step in range(102)]
    assert values == sorted(values)


def test_source_losses_accuracy_is_of_weak_pixels(
    logits: Tensor, maps: LabelMaps, head: BaseDecodeHead
) -> None:
    best = logits.argmax(dim=1).to(torch.uint8)
    maps.labels['weak'][:, :2] = best[:, :2]
    maps.labels['weak'][0, 0] = (best[0, 0] + 1) % 3
    maps.labels['pseudo'][:, 2] = (best[:, 2] + 1) % 3

    losses = compute(logits, maps, head, 0)

    assert losses['acc_seg'] == 75
    assert not losses['acc_seg'].requires_grad
