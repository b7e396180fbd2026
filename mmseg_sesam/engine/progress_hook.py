"""Hook that logs the progress of a slow training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import Runner

from mmseg_sesam.io.terminal import Pace


class ProgressHook(Hook):
    """Logs the step if nothing was logged for 10 seconds.

    `LoggerHook` logs every 50 steps by default, which takes minutes on a slow
    machine. In a file or a pipe the pauses grow, see `Pace`.
    """

    # After LoggerHook.
    priority = 'LOW'

    def before_run(self, runner: Runner) -> None:
        """Starts the clock."""
        self.pace = Pace()

    def before_train_epoch(self, runner: Runner) -> None:
        """Shows how far a resumed run is, which loads earlier batches."""
        loop = runner.train_loop
        if hasattr(loop, 'dataloader_iterator') and loop.iter:
            loop.dataloader_iterator = self._show_loading(
                runner, loop.dataloader_iterator, loop.iter
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Logs the step of the training."""
        self._show(runner, 'train', runner.iter + 1, runner.max_iters)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Logs the step of a validation."""
        total = len(runner.val_dataloader)
        self._show(runner, 'val', batch_idx + 1, total)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Logs the step of a test."""
        total = len(runner.test_dataloader)
        self._show(runner, 'test', batch_idx + 1, total)

    def _show_loading(
        self, runner: Runner, batches: Iterator[Any], earlier: int
    ) -> Iterator[Any]:
        for done, batch in enumerate(batches, 1):
            if done < earlier and self.pace.is_due():
                runner.logger.info(
                    f'Loaded {done} of the {earlier} batches that were '
                    'trained on before'
                )
            yield batch

    def _show(self, runner: Runner, mode: str, done: int, total: int) -> None:
        loggers = [h for h in runner.hooks if isinstance(h, LoggerHook)]
        if any(done % logger.interval == 0 for logger in loggers):
            self.pace.restart()
        elif self.pace.is_due():
            runner.logger.info(f'Step {done} of {total} ({mode})')
