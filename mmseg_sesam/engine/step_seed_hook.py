"""Hook that gives a resumed run the random numbers of an undisturbed one."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seeds the random generators by the step, and by the epoch if any.

    mmengine's checkpoints hold no state of random generators. Our choice:

    - Before each step torch is seeded with the run's seed, rank and
      iteration, so that dropout does not depend on where a run was killed.
    - Before each epoch of an `EpochBasedTrainLoop` python, numpy and torch
      are seeded, which draw crops, flips and colours without loader
      workers. A resumed `IterBasedTrainLoop` loads all earlier batches
      again, and needs no such seeds.
    """

    def before_train(self, runner: Runner) -> None:
        """Notes whether the first epoch may be begun again."""
        self.repeats = runner._resume

    def before_train_epoch(self, runner: Runner) -> None:
        """Seeds all generators; warns if an epoch is begun again."""
        loop = runner.train_loop
        if not isinstance(loop, EpochBasedTrainLoop):
            return
        random.seed(_seed(runner, runner.epoch))
        np.random.seed(_seed(runner, runner.epoch) % 2**32)
        torch.manual_seed(_seed(runner, runner.epoch))
        steps = len(loop.dataloader)
        surplus = runner.iter - runner.epoch * steps
        if surplus and self.repeats:
            runner.logger.warning(
                f'The run was resumed after step {surplus} of the {steps} '
                f'steps of epoch {runner.epoch + 1}, and mmengine begins this '
                'epoch again: the run makes more steps than an undisturbed '
                'one. Set by_epoch=True of CheckpointHook to have checkpoints '
                'at the end of epochs.'
            )
        # Later epochs have a surplus too, and are new.
        self.repeats = False

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Seeds torch on all devices."""
        torch.manual_seed(_seed(runner, runner.iter))


def _seed(runner: Runner, count: int) -> int:
    """Mixes the run's seed, the rank and a step or epoch."""
    entropy = [runner.seed, dist.get_rank(), count]
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
    return int(state[0])
