"""A teacher that follows a student."""

from __future__ import annotations

import copy
from typing import Callable

import pytest
import torch
from mmengine.model import BaseModule
from mmseg.models import EncoderDecoder

from mmseg_sesam.models.ema_teacher import EMATeacher

MakeConfig = Callable[..., dict]


@pytest.fixture
def parts(make_config: MakeConfig) -> dict:
    """The stock parts of a segmentor."""
    cfg = make_config()
    return {name: cfg[name] for name in ('backbone', 'decode_head')}


@pytest.fixture
def student(parts: dict) -> EncoderDecoder:
    student = EncoderDecoder(**copy.deepcopy(parts))
    student.init_weights()
    return student


@pytest.fixture
def teacher(parts: dict) -> EMATeacher:
    return EMATeacher(momentum=0.75, **copy.deepcopy(parts))


def step(student: EncoderDecoder, seed: int) -> None:
    """Changes all weights and statistics, as a training step would."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(torch.randn_like(parameter))
    student.train()
    student.extract_feat(torch.randn(2, 3, 32, 32))


def floats(model: BaseModule) -> torch.Tensor:
    """All parameters and statistics in one vector."""
    return torch.cat(
        [
            v.flatten()
            for v in model.state_dict().values()
            if v.is_floating_point()
        ]
    ).clone()


def test_follow_copies_the_student_and_then_averages(
    teacher: EMATeacher, student: EncoderDecoder
) -> None:
    seen = []
    for index in range(7):
        step(student, index)
        seen.append(floats(student))
        before = floats(teacher)
        teacher.follow(student, index)
        after = floats(teacher)
        if index == 0:
            assert torch.equal(after, seen[0])
        elif index < 4:
            mean = torch.stack(seen).mean(dim=0)
            torch.testing.assert_close(after, mean)
        else:
            moved = 0.75 * before + 0.25 * seen[-1]
            torch.testing.assert_close(after, moved)


def test_follow_copies_counts(
    teacher: EMATeacher, student: EncoderDecoder
) -> None:
    for index in range(3):
        step(student, index)
        teacher.follow(student, index)

    assert teacher.backbone.stem[1].num_batches_tracked == 3


def test_follow_leaves_the_student_unchanged(
    teacher: EMATeacher, student: EncoderDecoder
) -> None:
    before = floats(student)
    teacher.follow(student, 0)
    teacher.follow(student, 5)

    assert torch.equal(floats(student), before)
    assert all(p.requires_grad for p in student.parameters())


def test_train_keeps_the_teacher_in_evaluation_mode(
    teacher: EMATeacher, student: EncoderDecoder
) -> None:
    teacher.train()
    teacher.follow(student, 0)
    before = floats(teacher)

    logits = teacher.logits(torch.randn(2, 3, 32, 32))

    assert not any(module.training for module in teacher.modules())
    assert not any(p.requires_grad for p in teacher.parameters())
    assert not logits.requires_grad
    assert torch.equal(floats(teacher), before)


def test_logits_equal_those_of_the_copied_student(
    teacher: EMATeacher, student: EncoderDecoder
) -> None:
    step(student, 0)
    teacher.follow(student, 0)
    images = torch.randn(2, 3, 64, 32)

    logits = teacher.logits(images)

    assert logits.shape == (2, 4, 2, 1)
    student.eval()
    expected = student.decode_head(student.extract_feat(images))
    assert torch.equal(logits, expected.detach())


def test_init_weights_leaves_the_weights_unchanged(
    teacher: EMATeacher,
) -> None:
    before = floats(teacher)
    teacher.init_weights()

    assert torch.equal(floats(teacher), before)


def test_ema_teacher_can_be_copied_and_saved(
    teacher: EMATeacher, student: EncoderDecoder, parts: dict
) -> None:
    teacher.follow(student, 0)
    copied = copy.deepcopy(teacher)
    restored = EMATeacher(momentum=0.75, **parts)
    restored.load_state_dict(teacher.state_dict())
    step(student, 1)
    teacher.follow(student, 9)

    for other in (copied, restored):
        assert not torch.equal(floats(other), floats(teacher))
        other.follow(student, 9)
        assert torch.equal(floats(other), floats(teacher))
        assert not any(p.requires_grad for p in other.parameters())
