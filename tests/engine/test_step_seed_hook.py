"""A resumed run draws the images, crops and colours of an undisturbed one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import pytest
import torch
from mmengine import dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from pipelines import place_of
from tiny_configs import validated, without_rounds
from torch import Tensor

from mmseg_sesam.engine.step_seed_hook import StepSeedHook
from mmseg_sesam.engine.terminal_runner import TerminalTestRunner

MakeConfig = Callable[..., Config]
# Digests of the batches by the step, and the text of the log.
Run = tuple[dict[int, str], str]

STEPS = 6
WORKERS = {
    'no workers': dict(num_workers=0),
    'workers': dict(num_workers=2, persistent_workers=False),
    'persistent': dict(num_workers=2, persistent_workers=True),
}


class RecordBatches(Hook):
    """Keeps a digest of each batch, by the step."""

    def __init__(self) -> None:
        self.batches: dict[int, str] = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        digest = hashlib.sha256()
        for image in data_batch['inputs']:
            digest.update(image.numpy().tobytes())
        self.batches[runner.iter] = digest.hexdigest()[:12]


@pytest.fixture
def make_run(make_config: MakeConfig) -> Callable[..., Run]:
    """Trains and returns the digests of all batches, and the log."""

    def run(epochs: bool, workers: str, **options) -> Run:
        cfg = make_config(
            model__teacher=None, default_hooks__checkpoint__by_epoch=epochs
        )
        cfg.merge_from_dict(
            {key.replace('__', '.'): v for key, v in options.items()}
        )
        validated(without_rounds(cfg))
        loader = cfg.train_dataloader
        loader.update(WORKERS[workers])
        pipeline = loader.dataset.pipeline
        del pipeline[place_of(pipeline, 'KeepTeacherView')]
        # Six images, two a step: an epoch has three steps.
        loader.dataset = dict(
            type='RepeatDataset', times=2, dataset=loader.dataset
        )
        cfg.train_cfg = dict(
            type='IterBasedTrainLoop', max_iters=STEPS, val_interval=3
        )
        cfg.default_hooks.checkpoint.interval = 1
        cfg.default_hooks.step_seed = dict(type='StepSeedHook')
        if epochs:
            loader.sampler = dict(type='DefaultSampler', shuffle=True)
            cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
        runner, record = Runner.from_cfg(cfg), RecordBatches()
        runner.register_hook(record)
        runner.train()
        log = next(Path(runner.log_dir).glob('*.log'))
        return record.batches, log.read_text()

    return run


def test_resumed_iterations_need_no_seeds_of_their_batches(
    make_run: Callable[..., Run], tmp_path: Path
) -> None:
    # mmengine loads the earlier batches again, of which validation and
    # workers that persist change none: before_train_epoch seeds nothing.
    whole, _ = make_run(False, 'persistent')
    assert sorted(whole) == list(range(STEPS))
    assert len(set(whole.values())) == STEPS

    path = str(tmp_path / 'work/iter_3.pth')
    resumed, _ = make_run(False, 'persistent', resume=True, load_from=path)
    assert resumed == {step: whole[step] for step in range(3, STEPS)}


@pytest.mark.parametrize('workers', ['no workers', 'workers'])
def test_step_seed_hook_resumes_an_epoch_with_the_same_batches(
    make_run: Callable[..., Run], tmp_path: Path, workers: str
) -> None:
    whole, _ = make_run(True, workers)
    assert sorted(whole) == list(range(STEPS))

    path = str(tmp_path / 'work/epoch_1.pth')
    resumed, log = make_run(True, workers, resume=True, load_from=path)
    assert resumed == {step: whole[step] for step in range(3, STEPS)}
    assert 'begins this epoch again' not in log


def test_step_seed_hook_logs_a_repeated_epoch(
    make_run: Callable[..., Run], tmp_path: Path
) -> None:
    whole, _ = make_run(
        True, 'no workers', default_hooks__checkpoint__by_epoch=False
    )
    options = dict(epochs=True, workers='no workers', resume=True)

    path = str(tmp_path / 'work/iter_2.pth')
    resumed, log = make_run(load_from=path, **options)
    assert list(resumed.values()) == list(whole.values())
    assert 'after step 2 of the 3 steps of epoch 1, and mmengine begins' in log
    assert log.count('begins this epoch again') == 1

    # The second epoch is new, though the run has made more steps.
    path = str(tmp_path / 'work/epoch_1.pth')
    resumed, log = make_run(load_from=path, **options)
    assert list(resumed.values()) == list(whole.values())[3:]
    assert 'begins this epoch again' not in log


def test_step_seed_hook_gives_each_rank_other_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def draw(rank: int) -> list[float]:
        monkeypatch.setattr(dist, 'get_rank', lambda: rank)
        StepSeedHook().before_train_iter(SimpleNamespace(seed=0, iter=3), 3)
        return torch.rand(3).tolist()

    assert draw(0) == draw(0) != draw(1)


class RecordScores(Hook):
    """Keeps the class scores of all images."""

    def __init__(self) -> None:
        self.scores: list[Tensor] = []

    def after_val_iter(self, runner, batch_idx, data_batch, outputs) -> None:
        self.scores += [sample.seg_logits.data for sample in outputs]

    after_test_iter = after_val_iter


@pytest.mark.parametrize('mode', ['val', 'test'])
def test_step_seed_hook_repeats_scores_of_a_network_that_draws(
    make_config: MakeConfig, scribbles: Path, mode: str
) -> None:
    cfg = validated(without_rounds(make_config(model__teacher=None)))
    head = cfg.model.decode_head
    head.update(type='LightHamHead', in_index=[2, 3], ham_channels=8)
    head.update(in_channels=[head.in_channels // 2, head.in_channels])
    del head['num_convs']
    if mode == 'val':
        cfg.default_hooks.step_seed = dict(type='StepSeedHook')
        runner = Runner.from_cfg(cfg)
    else:
        cfg.test_dataloader = cfg.pop('val_dataloader')
        cfg.test_evaluator = cfg.pop('val_evaluator')
        cfg.val_cfg, cfg.test_cfg = None, dict(type='TestLoop')
        runner = TerminalTestRunner.from_cfg(cfg)
    record = RecordScores()
    runner.register_hook(record)
    for _ in range(2):
        getattr(runner, mode)()

    half = len(record.scores) // 2
    assert half == 3
    for first, second in zip(record.scores[:half], record.scores[half:]):
        assert torch.equal(first, second)
