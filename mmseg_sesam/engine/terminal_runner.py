"""Runner of the tools, with a short terminal, and its hook."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import MMLogger
from mmengine.model import BaseTTAModel
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from mmseg.registry import HOOKS
from torch import nn

from mmseg_sesam.engine.models import refuse_sync_bn, unwrap
from mmseg_sesam.engine.shared_buffers_hook import SharedBuffersHook
from mmseg_sesam.engine.step_seed_hook import StepSeedHook
from mmseg_sesam.io.terminal import TRACEBACK, Pace, shorten
from mmseg_sesam.models.checkpoint_file import (
    TEACHER,
    TRAINING,
    read_checkpoint,
    select_weights,
)
from mmseg_sesam.rounds.distributed import (
    RankError,
    build_group,
    on_all_ranks,
)
from mmseg_sesam.type_names import is_own, lineage

# Names of the hooks that every Runner registers unless they are None.
_OWN_HOOKS = (
    *('runtime_info', 'timer', 'sampler_seed', 'logger'),
    *('param_scheduler', 'checkpoint'),
)


class Refusal(ValueError):
    """A sentence on what a user gave, which needs no traceback."""


class TerminalRunner(Runner):
    """mmengine's Runner with short terminal output.

    Config and hooks are written to the log file only, and a slow step shows
    that it is alive. It raises a `Refusal` for a checkpoint that cannot be
    loaded, and for what hooks of this package refuse before training.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.register_hook(ProgressHook())
        self.register_hook(SharedBuffersHook())

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Builds the logger before anything is logged."""
        logger = super().build_logger(*args, **kwargs)
        shorten(logger)
        return logger

    def wrap_model(
        self, model_wrapper_cfg: dict | None, model: nn.Module
    ) -> nn.Module:
        """Distributes the model; ValueError if sync_bn would change it."""
        if self.distributed and self.cfg.get('sync_bn'):
            refuse_sync_bn(model)
        return super().wrap_model(model_wrapper_cfg, model)

    def register_default_hooks(
        self, hooks: dict[str, Hook | dict | None] | None = None
    ) -> None:
        """Registers mmengine's hooks and the given ones, without None.

        mmengine drops a hook of its own that is None, and fails at others.
        """
        kept = {
            name: hook
            for name, hook in (hooks or {}).items()
            if hook is not None or name in _OWN_HOOKS
        }
        super().register_default_hooks(kept)

    def register_hook(
        self, hook: Hook | dict, priority: int | str | None = None
    ) -> None:
        """Builds a hook and registers it."""
        named = isinstance(hook, dict) and 'type' in hook
        with self._refusals(lineage(hook, HOOKS) if named else ()):
            super().register_hook(hook, priority)

    def call_hook(self, fn_name: str, **kwargs) -> None:
        """Calls the method of all hooks that have it."""
        if fn_name != 'before_train':
            super().call_hook(fn_name, **kwargs)
            return
        for hook in self.hooks:
            with self._refusals(type(hook).__mro__):
                hook.before_train(self)

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = 'cpu',
        strict: bool = False,
        revise_keys: Sequence[tuple[str, str]] = ((r'^module\.', ''),),
    ) -> dict[str, Any]:
        """Loads a checkpoint as mmengine does, and checks it before.

        Raises:
            Refusal: it cannot be read, or is refused by `check_weights`.
        """
        model = unwrap(self.model)
        try:
            checkpoint = read_checkpoint(filename, map_location)
            self.check_weights(model, checkpoint, filename)
        except ValueError as error:
            raise Refusal(str(error)) from error
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        _load_checkpoint_to_model(
            model, checkpoint, strict, revise_keys=revise_keys
        )
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def check_weights(
        self, model: nn.Module, checkpoint: dict[str, Any], path: str
    ) -> None:
        """Accepts any weights: a training may begin with a part of them."""

    @contextmanager
    def _refusals(self, kinds: Sequence[type]) -> Iterator[None]:
        """Turns what a hook of this package refuses into a `Refusal`.

        Errors of other hooks may be of code, and need their traceback. That
        of a refusal is in the log file, since a trial of the training also
        refuses errors of a user's transform or loss.

        Args:
            kinds: class of the hook and its base classes.
        """
        try:
            yield
        except (OSError, RankError, ValueError) as error:
            if not any(map(is_own, kinds)):
                raise
            self.logger.info(TRACEBACK + traceback.format_exc())
            hint = ' The log file has the traceback.' * bool(error.__cause__)
            raise Refusal(f'{error}{hint}') from error


class TerminalTestRunner(TerminalRunner):
    """Runner of tests, often in the work dir of a training."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # tools/train.py adds it to a config, see `add_safeguards`.
        self.register_hook(StepSeedHook())

    def dump_config(self) -> None:
        """Leaves the config in the work dir as the training wrote it.

        The config of a test lacks hooks and may have other pipelines, so it
        does not train the run again. The log of the test has it.
        """

    def check_weights(
        self, model: nn.Module, checkpoint: dict[str, Any], path: str
    ) -> None:
        """Raises ValueError if weights of the student are missing.

        mmengine warns of them, and random weights would be tested.
        """
        plain = model.module if isinstance(model, BaseTTAModel) else model
        select_weights(plain, checkpoint, path, (TEACHER, *TRAINING))


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
        batches = getattr(loop, 'dataloader_iterator', None)
        if batches is None or not loop.iter:
            return
        shown = self._show_loading(runner, batches, loop.iter, build_group())
        if hasattr(batches, 'skip_iter'):
            # onedl-mmengine calls it for the earlier batches.
            batches.skip_iter = lambda number: deque(
                islice(shown, number), maxlen=0
            )
        else:
            loop.dataloader_iterator = shown

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
        mode: str = 'train',
    ) -> None:
        """Logs the step of a training, a validation or a test."""
        if mode == 'train':
            done, total = runner.iter + 1, runner.max_iters
        else:
            loader = getattr(runner, f'{mode}_dataloader')
            done, total = batch_idx + 1, len(loader)
        loggers = [h for h in runner.hooks if isinstance(h, LoggerHook)]
        if any(done % logger.interval == 0 for logger in loggers):
            self.pace.restart()
        elif self.pace.is_due():
            runner.logger.info(f'Step {done} of {total} ({mode})')

    def _show_loading(
        self, runner: Runner, batches: Iterator[Any], earlier: int, group: Any
    ) -> Iterator[Any]:
        """Yields batches; all ranks have the last earlier one together.

        Some ranks may load an hour longer than others, and NCCL would give
        up after ten minutes in the next step.
        """
        for done, batch in enumerate(batches, 1):
            if done < earlier and self.pace.is_due():
                runner.logger.info(
                    f'Loaded {done} of the {earlier} batches that were '
                    'trained on before'
                )
            if done == earlier:
                on_all_ranks(lambda: None, group)
            yield batch
