"""Known class shares in the teacher."""

from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor

from mmseg_sesam.models.class_prior import TeacherPrior

from .steps import BatchOf, MakeConfig, build, losses_of, maps_of

SHARES = torch.tensor([0.7, 0.2, 0.1])


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


def test_teacher_prior_follows_slowly_after_a_fit() -> None:
    prior = TeacherPrior(SHARES)
    prior.fit(predictions().softmax(1).transpose(0, 1).flatten(1).T)
    inside = torch.ones(2, 16, 16, dtype=torch.bool)
    prior.follow(torch.full((2, 3, 16, 16), 1 / 3), inside)
    torch.testing.assert_close(prior.mean, 0.9 * SHARES + 0.1 / 3)


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
    assert other.restore(prior.state())
    for one in (prior, other):
        one.follow(predictions(9).softmax(1), inside)
    assert torch.equal(prior.constants, other.constants)


def test_teacher_prior_restores_no_state_of_other_shares() -> None:
    unlabelled = TeacherPrior(torch.tensor([0.7, 0.3, 0]))
    prior = TeacherPrior(SHARES)
    assert not prior.restore(unlabelled.state())
    assert not prior.constants.any()


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


def test_segmentor_follows_predictions_that_no_loss_uses(
    make_config: MakeConfig, batch_of: BatchOf
) -> None:
    # Strips of training images show predictions with the constants.
    weak = dict(type='LabelSource', name='weak', field='gt_sem_seg')
    model = build(make_config(sources=[weak]))
    model.teacher_prior = TeacherPrior(torch.full((4,), 0.25))
    losses_of(model, batch_of((32, 32), (32, 32)))
    assert model.teacher_prior.steps == 1


def test_segmentor_does_not_count_padding_in_class_shares(
    make_config: MakeConfig, batch_of: BatchOf
) -> None:
    class CountingPrior(TeacherPrior):
        def follow(self, probability: Tensor, inside: Tensor) -> None:
            self.pixels = int(inside.sum())

    model = build(make_config())
    model.teacher_prior = CountingPrior(torch.full((4,), 0.25))
    losses_of(model, batch_of((32, 32), (20, 24)))
    assert model.teacher_prior.pixels == 32 * 32 + 20 * 24
