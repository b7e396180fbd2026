"""Hook that lets a resumed run draw what an undisturbed one draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seeds torch before each step with the run's seed, rank and iteration.

    mmengine's checkpoints hold no state of random generators, and a round
    of pseudo-labels may draw from them: what dropout drops would depend on
    where a run was killed. Our choice.
    """

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Seeds torch on all devices."""
        entropy = [runner.seed, dist.get_rank(), runner.iter]
        state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
        torch.manual_seed(int(state[0]))
