"""Known class shares in the loss on weak labels and in the teacher."""

from __future__ import annotations

from typing import Callable

import pytest
import torch
from torch import Tensor

from mmseg_sesam.models.class_prior import TeacherPrior, weak_label_offsets
from mmseg_sesam.models.source_losses import source_losses
from mmseg_sesam.structures import SOURCES

from .loss_terms import CROSS_ENTROPY, NONE, WEIGHTS, make_head, make_maps
from .steps import BatchOf, MakeConfig, build, losses_of, maps_of

SHARES = torch.tensor([0.7, 0.2, 0.1])
WEAK = torch.tensor([0.25, 0.25, 0.5])


def weak_labels() -> Tensor:
    """Labels of the shares `WEAK`."""
    ids = torch.tensor([0, 1, 2, 2], dtype=torch.uint8)
    return ids.repeat(4)[None, :, None].repeat(1, 1, 4)


def learned_shares(head: torch.nn.Module, **options) -> Tensor:
    """The softmax of one logit per class, learned from the weak labels."""
    bias = torch.zeros(3, requires_grad=True)
    nothing = torch.full((1, 16, 4), NONE, dtype=torch.uint8)
    maps = make_maps(weak_labels(), nothing, nothing)
    optimizer = torch.optim.LBFGS([bias], max_iter=100)

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = bias[None, :, None, None].expand(1, 3, 16, 4)
        terms = source_losses(logits, maps, head, SOURCES, 0, **options)
        terms['loss_weak'].backward()
        return terms['loss_weak']

    optimizer.step(loss)
    return bias.detach().softmax(0)


def test_source_losses_without_offsets_learn_the_weak_shares() -> None:
    found = learned_shares(make_head(CROSS_ENTROPY))
    torch.testing.assert_close(found, WEAK, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    'loss', [CROSS_ENTROPY, dict(CROSS_ENTROPY, class_weight=WEIGHTS)]
)
def test_source_losses_with_offsets_learn_the_true_shares(loss: dict) -> None:
    offsets = weak_label_offsets(WEAK, SHARES)
    found = learned_shares(make_head(loss), offsets=offsets)
    torch.testing.assert_close(found, SHARES, atol=1e-3, rtol=0)


def test_source_losses_offset_weak_labels_alone() -> None:
    logits = torch.randn(1, 3, 16, 4)
    nothing = torch.full((1, 16, 4), NONE, dtype=torch.uint8)
    weak = weak_labels()
    offsets = weak_label_offsets(WEAK, SHARES)
    head = make_head(dict(CROSS_ENTROPY, class_weight=WEIGHTS))
    upper, lower = weak.clone(), weak.clone()
    upper[:, 8:], lower[:, :8] = NONE, NONE
    maps = make_maps(upper, lower, nothing)
    plain = source_losses(logits, maps, head, SOURCES, 0)
    shifted = source_losses(logits, maps, head, SOURCES, 0, offsets)
    assert shifted['loss_weak'] != plain['loss_weak']
    assert shifted['acc_seg'] == plain['acc_seg']
    for name in ('loss_pseudo', 'loss_confident'):
        assert shifted[name] == plain[name]


@pytest.mark.parametrize('kind', ['DiceLoss', 'LovaszLoss', 'TverskyLoss'])
def test_source_losses_offset_other_losses_of_weak_labels(kind: str) -> None:
    options = dict(reduction='none') if kind == 'LovaszLoss' else {}
    head = make_head(dict(type=kind, **options))
    logits = torch.randn(1, 3, 16, 4)
    nothing = torch.full((1, 16, 4), NONE, dtype=torch.uint8)
    maps = make_maps(weak_labels(), nothing, nothing)
    offsets = weak_label_offsets(WEAK, SHARES)
    name = f'loss_{kind[:-4].lower()}'
    found = source_losses(logits, maps, head, SOURCES, 0, offsets)[name]
    moved = logits + offsets[:, None, None]
    expected = source_losses(moved, maps, head, SOURCES, 0)[name]
    torch.testing.assert_close(found, expected)


def test_source_losses_with_offsets_and_a_class_weight_of_0() -> None:
    head = make_head(dict(CROSS_ENTROPY, class_weight=[1.0, 1.0, 0.0]))
    nothing = torch.full((1, 16, 4), NONE, dtype=torch.uint8)
    maps = make_maps(weak_labels(), nothing, nothing)
    logits = torch.zeros(1, 3, 16, 4, requires_grad=True)
    offsets = weak_label_offsets(WEAK, SHARES)
    terms = source_losses(logits, maps, head, SOURCES, 0, offsets)
    terms['loss_weak'].backward()
    assert logits.grad.isfinite().all()


def test_source_losses_with_offsets_in_half_precision() -> None:
    head = make_head(CROSS_ENTROPY)
    nothing = torch.full((1, 16, 4), NONE, dtype=torch.uint8)
    maps = make_maps(weak_labels(), nothing, nothing)
    logits = torch.randn(1, 3, 16, 4)
    offsets = weak_label_offsets(WEAK, SHARES)
    exact = source_losses(logits, maps, head, SOURCES, 0, offsets)
    with torch.autocast('cpu', torch.bfloat16):
        half = source_losses(
            logits.bfloat16(), maps, head, SOURCES, 0, offsets
        )
    torch.testing.assert_close(
        half['loss_weak'].float(), exact['loss_weak'], rtol=0.02, atol=0.02
    )


def test_weak_label_offsets_of_a_class_without_weak_labels_is_0() -> None:
    offsets = weak_label_offsets(
        torch.tensor([0.5, 0.5, 0]), torch.tensor([0.9, 0.1, 0])
    )
    assert offsets.isfinite().all()
    assert offsets[2] == 0


def predictions(seed: int = 0, size: int = 16) -> Tensor:
    """Logits that prefer the last class, (2, 3, size, size)."""
    torch.manual_seed(seed)
    favour = torch.tensor([0.0, 0.5, 2.0])[:, None, None]
    return 2 * torch.randn(2, 3, size, size) + favour


def mean_of(prior: Callable[[Tensor], Tensor], logits: Tensor) -> Tensor:
    return prior(logits).softmax(1).mean(dim=(0, 2, 3))


def test_teacher_prior_fits_the_shares() -> None:
    prior = TeacherPrior(SHARES)
    logits = predictions()
    prior.fit(logits.softmax(1).transpose(0, 1).flatten(1).T)
    torch.testing.assert_close(
        mean_of(prior, logits), SHARES, atol=2e-3, rtol=0
    )


def test_teacher_prior_follows_to_the_shares() -> None:
    prior = TeacherPrior(SHARES)
    inside = torch.ones(2, 16, 16, dtype=torch.bool)
    for step in range(400):
        logits = predictions(step)
        prior.follow(prior(logits).softmax(1), inside)
    found = mean_of(prior, predictions(999, size=100))
    torch.testing.assert_close(found, SHARES, atol=0.02, rtol=0)


def test_teacher_prior_follows_pixels_inside_alone() -> None:
    priors = [TeacherPrior(SHARES) for _ in range(2)]
    inside = torch.ones(2, 16, 16, dtype=torch.bool)
    inside[:, 8:] = False
    probability = predictions().softmax(1)
    spoiled = probability.clone()
    spoiled[:, :, 8:] = 1 / 3
    # A teacher whose half precision overflows.
    spoiled[0, :, 0, 0] = float('nan')
    inside_too = inside.clone()
    inside_too[0, 0, 0] = False
    priors[0].follow(probability, inside_too)
    priors[1].follow(spoiled, inside)
    torch.testing.assert_close(priors[0].constants, priors[1].constants)
    priors[1].follow(spoiled, torch.zeros_like(inside))
    assert priors[1].constants.isfinite().all()


def test_teacher_prior_never_predicts_a_class_of_share_0() -> None:
    prior = TeacherPrior(torch.tensor([0.75, 0.25, 0]))
    inside = torch.ones(2, 16, 16, dtype=torch.bool)
    for fitted in (False, True):
        if fitted:
            prior.fit(predictions().softmax(1)[0].flatten(1).T)
        prior.follow(prior(predictions()).softmax(1), inside)
        assert prior(predictions()).softmax(1)[:, 2].max() == 0


def test_teacher_prior_restores_its_state() -> None:
    inside = torch.ones(2, 16, 16, dtype=torch.bool)
    prior, other = TeacherPrior(SHARES), TeacherPrior(SHARES)
    for step in range(3):
        prior.follow(predictions(step).softmax(1), inside)
    other.restore(prior.state())
    for one in (prior, other):
        one.follow(predictions(9).softmax(1), inside)
    assert torch.equal(prior.constants, other.constants)


def test_segmentor_with_offsets_keeps_its_predictions_and_keys(
    make_config: MakeConfig, batch_of: BatchOf
) -> None:
    model = build(make_config(teacher=None))
    plain = losses_of(model, batch_of((32, 32), (32, 32)))
    keys = set(model.state_dict())
    model.weak_offsets = torch.tensor([2.0, -1, 0, 0])
    shifted = losses_of(model, batch_of((32, 32), (32, 32)))
    assert set(model.state_dict()) == keys
    assert shifted['decode.loss_weak'] != plain['decode.loss_weak']
    assert shifted['decode.loss_pseudo'] == plain['decode.loss_pseudo']


def test_segmentor_gives_the_teacher_its_shares(
    make_config: MakeConfig, batch_of: BatchOf
) -> None:
    model = build(make_config(confident_threshold=0.0))
    keys = set(model.state_dict())
    model.teacher_prior = TeacherPrior(torch.tensor([0.0, 0.0, 1.0, 0.0]))
    maps = maps_of(model, batch_of((32, 32), (32, 32)))
    confident = maps.labels['confident']
    assert set(confident.unique().tolist()) == {2, 255}
    # Steps are counted in training alone.
    assert model.teacher_prior.steps == 0
    losses_of(model, batch_of((32, 32), (32, 32)))
    assert model.teacher_prior.steps == 1
    assert set(model.state_dict()) == keys
