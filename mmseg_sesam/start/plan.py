"""Chooses the numbers of a training, each with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from mmseg_sesam.start.label_kind import KIND_REASON
from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.material import Material
from mmseg_sesam.start.sets import DataSets
from mmseg_sesam.start.sizes import (
    MAX_SIDE,
    crop_side,
    drawing_scale,
    training_size,
)

# The runs in docs had 400 steps on ten photos, and 800 on some hundred images.
_LEAST_STEPS, _MOST_STEPS = 400, 20_000
# Share of the wished time for steps; pseudo-labels, validation and loading
# take the rest (our choice).
_STEP_SHARE = 0.6
# A teacher of docs/accuracy_rows.md is a mean over 100 of 800 steps. A
# momentum of 0.999 averages 1000 steps, the same share of these.
_LONG = 8000
# The network of the runs in docs.
MEASURED = 'deeplabv3_lite0'
# Network and images of a step on a GPU, best first; GiB that weights and
# optimizer take, and that a step adds with crops of 512 x 512, at least
# (benchmarks/memory.py, with the CRF loss).
_ON_GPU = (
    ('deeplabv3_r50', 4, 1.0, 4.6),
    ('deeplabv3_r50', 2, 1.0, 2.3),
    (MEASURED, 4, 0.2, 1.6),
)
# GiB for what these numbers leave out, such as a GPU's context (our choice).
_RESERVE = 1


class Choice(NamedTuple):
    """A value, and the reason for it."""

    value: Any
    reason: str


@dataclass(frozen=True)
class Plan:
    """The numbers of a training.

    Attributes:
        model: fragment of `configs/_base_/models`.
        segmenter: fragment of `configs/_base_/segmenters`.
        scale: longer and shorter side of a training image.
        crop: height and width of what the network sees in training.
        batch_size: images of a step.
        num_workers: processes that load images.
        max_iters: number of steps.
        begin: step after which pseudo-labels are refreshed first.
        interval: steps between two refreshes.
        val_interval: steps between two validations, or two checkpoints.
        learning_rate: of the network's optimizer.
        ema_momentum: of the teacher, see `EMATeacher`.
        crf: weight of the gated CRF loss.
    """

    model: Choice
    segmenter: Choice
    scale: Choice
    crop: Choice
    batch_size: Choice
    num_workers: Choice
    max_iters: Choice
    begin: Choice
    interval: Choice
    val_interval: Choice
    learning_rate: Choice
    ema_momentum: Choice
    crf: Choice


def make_plan(sets: DataSets, machine: Machine, segmenter: Choice) -> Plan:
    """Returns the plan of a training without a limit of time.

    Args:
        sets: images and labels.
        machine: the machine that trains.
        segmenter: the segmenter.
    """
    images = len(sets.names)
    steps = _round_up(min(max(2 * images, _LEAST_STEPS), _MOST_STEPS))
    reason = (
        f'2 a training image ({images}), from {_LEAST_STEPS} to {_MOST_STEPS} '
        '(our choice); the runs on weak labels in docs had 400 to 800 steps '
        'of the small network'
    )
    return Plan(
        segmenter=segmenter,
        **_of_machine(sets.train, machine),
        crf=_crf_weight(sets.kind),
        **schedule(steps, reason),
    )


def steps_in(minutes: float, seconds_per_step: float) -> Choice:
    """Returns the number of steps that fit a time.

    Args:
        minutes: wished time of the whole training.
        seconds_per_step: measured time of a step.

    Raises:
        ValueError: the time is too short for a training.
    """
    steps = int(minutes * 60 * _STEP_SHARE / seconds_per_step)
    if steps < 100:
        least = math.ceil(100 * seconds_per_step / _STEP_SHARE / 60)
        raise ValueError(
            f'--minutes {minutes:g} is time for {steps} steps of '
            f'{seconds_per_step:.2f} s, expected 100 or more; give '
            f'{least} or more.'
        )
    return Choice(
        steps // 100 * 100,
        f'{_STEP_SHARE:.0%} of {minutes:g} minutes at {seconds_per_step:.2f} '
        's a step, measured on this machine; the rest is for '
        'pseudo-labels and validation',
    )


def schedule(steps: int, reason: str) -> dict[str, Choice]:
    """Returns all choices that follow from the number of steps."""
    measured = 'of the steps, as in the runs of docs/accuracy_rows.md'
    return dict(
        max_iters=Choice(steps, reason),
        begin=Choice(steps * 3 // 8, f'3/8 {measured}'),
        interval=Choice(steps // 4, f'1/4 {measured}'),
        val_interval=Choice(steps // 4, '4 in a training (our choice)'),
        ema_momentum=Choice(
            0.999 if steps >= _LONG else 0.99,
            f'0.999 from {_LONG} steps on, else 0.99 as in the runs of '
            'docs/accuracy_rows.md: a teacher that is a mean over a large '
            'share of the steps lags behind (docs/choosing.md)',
        ),
    )


def _of_machine(material: Material, machine: Machine) -> dict[str, Choice]:
    width, height = material.size
    scale = training_size(material.size)
    said = f'the images are {width} x {height} (median)'
    if drawing_scale(material.size) > 1:
        said += f'; longer sides than {MAX_SIDE} are scaled down (our choice)'
    limit, where = (512, 'a GPU') if machine.gpu_gib else (320, 'a CPU')
    side = crop_side(scale[1], limit)
    return dict(
        **_network(machine.gpu_gib, side),
        scale=Choice(scale, said),
        crop=Choice(
            (side, side),
            f'{limit} on {where} (our choice), and no more than the shorter '
            'side of images, rounded up to 32',
        ),
        num_workers=Choice(
            min(4, machine.cpus), f'up to 4; CPU cores: {machine.cpus}'
        ),
    )


def _network(gpu_gib: float, side: int) -> dict[str, Choice]:
    """Returns the network with its batch and learning rate.

    Args:
        gpu_gib: memory of a GPU; 0 for none.
        side: of the crops.
    """
    rows = [
        (name, batch, fixed + step * (side / 512) ** 2)
        for name, batch, fixed, step in _ON_GPU
    ]
    fitting = [row for row in rows if row[2] + _RESERVE <= gpu_gib]
    name, batch, least = (fitting or rows[-1:])[0]
    return dict(
        model=Choice(
            name,
            f'a GPU of {gpu_gib:.1f} GiB'
            if gpu_gib
            else 'no GPU; the small network is made for CPUs',
        ),
        batch_size=Choice(
            batch,
            f'{batch} crops of {side} x {side} take {least:.1f} GiB of a GPU '
            'at least (computed by benchmarks/memory.py; we have not tried it)'
            if gpu_gib
            else 'half of those in the runs of docs/accuracy_rows.md, for '
            'more steps in the same time (our choice)',
        ),
        learning_rate=_learning_rate(name, batch),
    )


def _learning_rate(network: str, batch: int) -> Choice:
    if network == MEASURED:
        return Choice(
            1e-3,
            'AdamW, as in the runs of docs/accuracy_rows.md, which also had '
            'class weights in the loss, and 8 crops in a step',
        )
    return Choice(
        0.01 * batch / 16,
        "SGD: mmseg's 0.01 is for 16 images in a step, and a step here has "
        f'{batch} (linear rule of Goyal et al., 2017; we have not tried it)',
    )


def _crf_weight(kind: str) -> Choice:
    return Choice(
        0.1 if kind in ('coarse', 'scribble') else 0,
        f'most labels look like {KIND_REASON[kind]}; the loss finds outlines '
        'beyond masks and strokes, and harms points (docs/choosing.md)',
    )


def _round_up(steps: int) -> int:
    return -(-steps // 100) * 100
