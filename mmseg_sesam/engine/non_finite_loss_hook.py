"""Hook that stops a training whose loss is infinite or undefined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from mmseg_sesam.engine.models import unwrap


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stops all ranks at an infinite or undefined loss.

    It stops before the optimizer's step, so that the weights are those that
    gave the loss. The rank with such a loss writes `non_finite_rank<N>.pth`
    into the folder of the run's logs: the model's state_dict, the
    data_batch, the losses, and the seed and iteration on which random
    choices depend (see `StepSeedHook`). A gradient that overflows at a
    finite loss is skipped by the loss scaler.
    """

    # Runs before the hooks that save.
    priority = 'ABOVE_NORMAL'

    def before_train(self, runner: Runner) -> None:
        """Registers hooks on the model's forward and the optimizer's step."""
        self.runner, self.model = runner, unwrap(runner.model)
        self.losses: dict[str, Tensor] | None = None
        wrapper = runner.optim_wrapper
        several = isinstance(wrapper, OptimWrapperDict)
        # The device has the step's other work by then: no extra wait.
        self.handles = [
            part.optimizer.register_step_pre_hook(lambda *args: self._check())
            for part in (wrapper.values() if several else [wrapper])
        ]
        self.handles.append(self.model.register_forward_hook(self._listen))

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Keeps the batch, which `_save` may need."""
        self.data_batch = data_batch

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Checks the loss of iterations without an optimizer step."""
        self._check()

    def after_train(self, runner: Runner) -> None:
        """Removes the hooks from model and optimizer."""
        for handle in self.handles:
            handle.remove()

    def _listen(self, model: torch.nn.Module, args: Any, losses: Any) -> None:
        if model.training and isinstance(losses, dict):
            self.losses = {
                name: value.detach()
                for name, value in losses.items()
                if 'loss' in name and isinstance(value, Tensor)
            }

    def _check(self) -> None:
        """Stops all ranks if a loss of the last forward is not finite."""
        losses, self.losses = self.losses, None
        if not losses:
            return
        finite = torch.stack([v.isfinite().all() for v in losses.values()])
        wrong = (~finite).any().float()
        seen = wrong.clone()
        dist.all_reduce(seen, 'max')
        if not seen.item():
            return
        report = self._save(losses) if wrong.item() else None
        reports = dist.all_gather_object(report)
        raise FloatingPointError(
            f'At iteration {self.runner.iter} the loss is not finite: '
            + '; '.join(report for report in reports if report)
            + '. Lower the learning rate, clip gradients, or check these '
            'images and their labels.'
        )

    def _save(self, losses: dict[str, Tensor]) -> str:
        """Writes what reproduces the loss; returns a report of it."""
        rank = dist.get_rank()
        path = Path(self.runner.log_dir, f'non_finite_rank{rank}.pth')
        evidence = dict(
            iteration=self.runner.iter,
            seed=self.runner.seed,
            losses=losses,
            data_batch=self.data_batch,
            state_dict=self.model.state_dict(),
        )
        try:
            torch.save(evidence, path)
            saved = f'saved to {path}'
        except (OSError, RuntimeError) as error:
            # The other ranks wait for the report.
            saved = f'not saved to {path} ({error})'
        values = {name: value.tolist() for name, value in losses.items()}
        names = [s.img_path for s in self.data_batch['data_samples']]
        return f'{values} of {names}, {saved}'
