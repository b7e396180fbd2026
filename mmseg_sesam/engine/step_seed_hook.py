"""Hook that seeds steps, so that runs draw the same random numbers again."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS

# Name of the number of steps that an epoch has made, in checkpoints.
_DONE = 'steps_of_epoch'


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
    - Before each batch of validation and testing torch is seeded with 0, as
      the head of SegNeXt draws random numbers for its predictions: the same
      weights get the same scores again, on any number of ranks if a batch
      has one image.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Seeds all generators; warns if an epoch is begun again."""
        loop = runner.train_loop
        if not isinstance(loop, EpochBasedTrainLoop):
            return
        random.seed(_seed(runner, runner.epoch))
        np.random.seed(_seed(runner, runner.epoch) % 2**32)
        torch.manual_seed(_seed(runner, runner.epoch))
        steps = len(loop.dataloader)
        # Above 0 in a checkpoint within an epoch alone.
        done = runner.message_hub.get_info(_DONE, 0)
        if done:
            runner.logger.warning(
                f'The run was resumed after step {done} of the {steps} '
                f'steps of epoch {runner.epoch + 1}, and mmengine begins this '
                'epoch again: the run makes more steps than an undisturbed '
                'one. Set by_epoch=True of CheckpointHook to have checkpoints '
                'at the end of epochs.'
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Seeds torch on all devices."""
        torch.manual_seed(_seed(runner, runner.iter))

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Seeds torch the same for each batch."""
        torch.manual_seed(0)

    before_test_iter = before_val_iter

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Notes the steps of this epoch for a checkpoint."""
        runner.message_hub.update_info(_DONE, batch_idx + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Notes that the next epoch has no step yet."""
        runner.message_hub.update_info(_DONE, 0)


def _seed(runner: Runner, count: int) -> int:
    """Mixes the run's seed, the rank and a step or epoch."""
    entropy = [runner.seed, dist.get_rank(), count]
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
    return int(state[0])
