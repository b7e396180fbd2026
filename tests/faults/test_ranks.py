"""Trainings on two processes, over gloo."""

from __future__ import annotations

import errno
import shutil
from typing import Callable

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmseg.registry import MODELS

from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.rounds.teacher import TeacherPredictor

from .conftest import Reference, Training, often
from .forks import Fault

SHORT = ('--cfg-options', 'train_cfg.max_iters=2')


def labels(training: Training, round_index: int) -> dict[str, bytes]:
    folder = training.store.folder(round_index)
    files = (folder / kind for kind in ('labels', 'records'))
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for kind in files
        for path in kind.rglob('*.*')
    }


def test_train_resumes_on_two_ranks_and_on_one(
    make_training: Callable[[str], Training],
    undisturbed: Callable[[int], Reference],
) -> None:
    two, one = make_training('two'), make_training('one')
    done = two.go(*SHORT, ranks=2)
    assert done.statuses == [0, 0], done.text
    shutil.copytree(two.work, one.work)
    # The copy's checkpoints are its own.
    (one.work / 'last_checkpoint').write_text(str(one.work / 'iter_2.pth'))

    done = two.go(ranks=2)
    assert done.statuses == [0, 0], done.text
    assert undisturbed(2).differences(two) == []

    done = one.go()
    assert done.statuses == [0], done.text
    assert labels(one, 1) == labels(two, 1)
    assert one.store.current == 2
    # Whatever the number of ranks, round 0 is the same.
    expected = undisturbed().remains
    for name, content in labels(two, 0).items():
        assert expected[f'pseudo_labels/round_0000/{name}'] == content


@pytest.mark.parametrize(
    'fault',
    [
        # Killed in the middle of generation, of saving and of training.
        often(Fault('generation', 20, rank=1)),
        often(Fault('checkpointing', 2, rank=0)),
        # It reads the number of the round for each image of a step.
        often(Fault('current', 6, rank=1)),
        # Rank 0 alone publishes.
        Fault('publishing', 2, errno.EIO, rank=0),
        often(Fault('generation', 20, errno.ENOSPC, rank=1)),
    ],
    ids=lambda fault: f'{fault.phase}, rank {fault.rank}',
)
def test_train_stops_all_ranks_if_one_fails(
    training: Training,
    undisturbed: Callable[[int], Reference],
    fault: Fault,
) -> None:
    stopped = training.go(ranks=2, fault=fault)
    assert None not in stopped.statuses
    assert 0 not in stopped.statuses, stopped.text
    if fault.error:
        other = f'rank {fault.rank} failed with OSError: [Errno {fault.error}]'
        assert other in stopped.text
        assert 'nothing is published' in stopped.text
    done = training.go(ranks=2)
    assert done.statuses == [0, 0], done.text
    assert undisturbed(2).differences(training) == []


def test_scheduled_checkpoint_before_a_refresh_has_its_teacher(
    training: Training,
) -> None:
    words = (
        *('--cfg-options', 'train_cfg.max_iters=3'),
        'default_hooks.pseudo_labels.begin=2',
        'default_hooks.checkpoint.interval=1',
        'default_hooks.checkpoint.max_keep_ckpts=-1',
        # mmengine's default: each rank has its own running means.
        'model_wrapper_cfg.type=MMDistributedDataParallel',
        'model_wrapper_cfg.broadcast_buffers=False',
    )
    done = training.go(*words, ranks=2)
    assert done.statuses == [0, 0], done.text
    cfg = Config.fromfile(training.config)
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    load_checkpoint(model, str(training.work / 'iter_2.pth'))
    prepare = ValidationTransforms.of_config(cfg)
    teacher = TeacherPredictor(model, prepare, 0.95)
    made_with = training.store.manifest(1)['identity']['teacher']
    assert teacher.digest() == made_with


def test_train_resumes_where_a_rank_sees_no_published_round(
    training: Training,
) -> None:
    done = training.go(*SHORT, ranks=2)
    assert done.statuses == [0, 0], done.text
    # As on a network disk that remembers what was there before.
    fault = Fault('current', 1, errno.ENOENT, rank=1)
    words = ('--cfg-options', 'train_cfg.max_iters=3')
    done = training.go(*words, ranks=2, fault=fault)
    assert done.statuses == [0, 0], done.text
