"""A tiny training on which every fault is tried."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, NamedTuple

import pytest
from mmengine.config import Config

from mmseg_sesam.store.store import PseudoLabelStore

from .forks import TRAIN, Fault, Run, run
from .remains import differences, remains


class Training(NamedTuple):
    """A training in a folder of its own."""

    folder: Path
    config: Path

    @property
    def work(self) -> Path:
        return self.folder / 'work'

    @property
    def store(self) -> PseudoLabelStore:
        return PseudoLabelStore(self.work / 'pseudo_labels')

    def go(
        self, *words: object, ranks: int = 1, fault: Fault | None = None
    ) -> Run:
        """Starts or resumes the training, as a user would."""
        words = (TRAIN, self.config, '--resume', *words)
        return run(self.folder, *words, ranks=ranks, fault=fault)


class Reference(NamedTuple):
    """The files, events and seconds of an undisturbed training."""

    remains: dict[str, object]
    events: dict[str, int]
    seconds: float

    def differences(self, training: Training) -> list[str]:
        return differences(self.remains, remains(training.work))


def often(*values: object):
    """Marks a case for `make test-faults`; a similar one always runs."""
    return pytest.param(*values, marks=pytest.mark.faults)


@pytest.fixture
def make_training(
    make_config: Callable[..., Config], tmp_path: Path
) -> Callable[[str], Training]:
    """Makes trainings whose rounds depend on the learned weights."""

    def make(name: str = 'training') -> Training:
        training = Training(tmp_path / name, tmp_path / name / 'config.py')
        training.folder.mkdir()
        # A teacher so young gives no class more than 0.35.
        cfg = make_config(
            model__teacher='round', model__confident_threshold=0.35
        )
        cfg.custom_imports = dict(imports=['mmseg_sesam'])
        cfg.work_dir = str(training.work)
        cfg.default_hooks.pseudo_labels.update(
            begin=1, interval=2, enrich_threshold=0.35
        )
        cfg.default_hooks.checkpoint.update(interval=2, max_keep_ckpts=1)
        cfg.train_cfg.max_iters = 5
        cfg.dump(training.config)
        return training

    return make


@pytest.fixture
def training(make_training: Callable[[], Training]) -> Training:
    return make_training()


@pytest.fixture(scope='session')
def references() -> dict[int, Reference]:
    """Undisturbed trainings by their number of ranks."""
    return {}


@pytest.fixture
def undisturbed(
    references: dict[int, Reference], make_training: Callable
) -> Callable[[int], Reference]:
    """Returns the undisturbed training on a number of ranks."""

    def of_ranks(ranks: int = 1) -> Reference:
        if ranks not in references:
            training, start = make_training(f'alone_{ranks}'), time.monotonic()
            done = training.go(ranks=ranks)
            assert done.statuses == [0] * ranks, done.text
            seconds = time.monotonic() - start
            left = remains(training.work)
            assert 'iter_5.pth' in left and left['iter_5.pth'][0] == 5
            references[ranks] = Reference(left, done.events, seconds)
        return references[ranks]

    return of_ranks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk in memory; a later call changes its options."""
    place = tmp_path / 'disk'
    place.mkdir()
    mounted = []

    def mount(options: str) -> Path:
        remount = 'remount,' if mounted else ''
        words = ['mount', '-t', 'tmpfs', '-o', remount + options]
        done = subprocess.run([*words, 'tmpfs', place], capture_output=True)
        if done.returncode:
            pytest.skip('only root may mount a disk')
        mounted.append(options)
        return place

    yield mount
    if mounted:
        subprocess.run(['umount', place], check=True)
