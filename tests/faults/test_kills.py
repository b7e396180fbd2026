"""Killed and resumed trainings leave the files of an undisturbed one."""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from typing import Callable

import pytest

from .conftest import Reference, Training
from .forks import Fault


def choose(rng: random.Random, reference: Reference) -> Fault:
    """Returns a kill, half of them by time, half at a file of some phase."""
    if rng.random() < 0.5:
        return Fault('time', int(1000 * reference.seconds * rng.random()))
    phase = rng.choice(sorted(reference.events))
    return Fault(phase, rng.randint(1, reference.events[phase]))


@pytest.mark.parametrize(
    'number', [2, pytest.param(60, marks=pytest.mark.faults)]
)
def test_train_resumes_after_a_kill(
    make_training: Callable[[str], Training],
    undisturbed: Callable[[], Reference],
    number: int,
) -> None:
    reference = undisturbed()
    rng, killed = random.Random(number), Counter()
    while killed.total() < number:
        training = make_training(f'killed_{killed.total()}')
        kills = [choose(rng, reference) for _ in range(rng.choice([1, 1, 2]))]
        for kill in kills:
            (status,) = training.go(fault=kill).statuses
            # A training may be over before its moment comes.
            assert status in (0, -signal.SIGKILL)
            if status:
                killed[kill.phase] += 1
        done = training.go()
        assert done.statuses == [0], (kills, done.text)
        assert reference.differences(training) == [], kills
        shutil.rmtree(training.folder)
    print(f'{killed.total()} kills, as if undisturbed: {dict(killed)}')
