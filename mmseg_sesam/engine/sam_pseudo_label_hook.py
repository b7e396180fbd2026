"""Hook that makes pseudo-labels before training and refreshes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine import dist
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS, TASK_UTILS

from mmseg_sesam.datasets.pipelines import pseudo_label_source
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.pseudo_labels.rounds import (
    build_group,
    build_loader,
    describe,
    make_round,
)
from mmseg_sesam.pseudo_labels.store import PseudoLabelStore

_CHECKPOINT_KEY = 'sesam_round'
_SHARDING_WRAPPERS = ('MMFullyShardedDataParallel', 'MMDeepSpeedEngineWrapper')


@HOOKS.register_module()
class SAMPseudoLabelHook(Hook):
    """Makes round 0 from weak labels, and later rounds with the teacher.

    Images, weak labels and the place of the pseudo-labels are those of the
    training pipeline, up to its `LoadPseudoLabel`. Round 0 is made before the
    first step, or taken over if the store holds
    one that was made with the same settings from the same weak labels. The
    round is part of each checkpoint: a resumed run goes on with it. Rounds
    that no checkpoint needs are removed, except for the first.

    Source: SeSAM's iterative refinement; every default is our choice.

    Args:
        generator: config of the `PseudoLabelGenerator`.
        begin: iteration after which the first refresh is made.
        interval: iterations between refreshes.
        max_rounds: number of refreshes; 0 keeps round 0.
        tau: least probability with which the teacher's prediction joins the
            weak label, for all classes or one for each.
        num_workers: processes that load images.
        timeout_hours: that ranks wait for each other while a round is made.
    """

    # After the hooks that count iterations, before those that save.
    priority = 'NORMAL'

    def __init__(
        self,
        generator: dict,
        begin: int = 1000,
        interval: int = 1000,
        max_rounds: int = 3,
        tau: float | Sequence[float] = 0.95,
        num_workers: int = 2,
        timeout_hours: float = 24,
    ) -> None:
        self.generator = TASK_UTILS.build(generator)
        self.begin = begin
        self.interval = interval
        self.max_rounds = max_rounds
        self.tau = tau
        self.num_workers = num_workers
        self.timeout_hours = timeout_hours
        self.resumed_round: int | None = None
        # Rounds that this run made, and after which iteration.
        self.made: dict[int, int] = {}

    def before_train(self, runner: Runner) -> None:
        """Sees to it that a round is published before the first step.

        Raises:
            ValueError: config and hook do not fit each other.
        """
        self._check(runner)
        dataset = runner.cfg.train_dataloader.dataset
        source = pseudo_label_source(dataset)
        self.store = PseudoLabelStore(source['pseudo_label_dir'])
        self.data_root = source['data_root']
        self.loader = build_loader(dataset, self.num_workers)
        self.group = build_group(self.timeout_hours)
        self.settings = describe(
            self.generator, dataset, self.loader.dataset, self.data_root
        )
        if dist.is_main_process():
            self.lock = self.store.lock()
        if self.resumed_round:
            self._resume_round(runner, self.resumed_round)
        else:
            self._make_round(runner, 0, 0)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Refreshes the pseudo-labels when it is time."""
        since = runner.iter + 1 - self.begin
        due = since >= 0 and since % self.interval == 0
        if due and since // self.interval < self.max_rounds:
            self._make_round(runner, self.store.current + 1, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """Lets other runs write to the store."""
        if dist.is_main_process():
            self.lock.release()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes the published round."""
        checkpoint[_CHECKPOINT_KEY] = self.store.current

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remembers the round that a resumed run was in."""
        if runner._resume:
            self.resumed_round = checkpoint.get(_CHECKPOINT_KEY)

    def _check(self, runner: Runner) -> None:
        """Refuses what would fail, or go wrong unnoticed, hours later."""
        if type(runner.model).__name__ in _SHARDING_WRAPPERS:
            raise ValueError(
                f'{type(runner.model).__name__} shards the parameters that '
                'the teacher copies; train with DDP (MMDistributedData'
                'Parallel) instead.'
            )
        model = _unwrap(runner.model)
        if self.max_rounds and not isinstance(model, SeSAMEncoderDecoder):
            raise ValueError(
                f'SAMPseudoLabelHook refreshes with SeSAMEncoderDecoder, got '
                f'{type(model).__name__}; set model.type, or max_rounds=0.'
            )
        classes = runner.train_dataloader.dataset.metainfo.get('classes')
        if classes is not None and len(classes) != model.num_classes:
            raise ValueError(
                f'The training data set has {len(classes)} classes and the '
                f'decode head num_classes={model.num_classes}; set '
                'num_classes of all heads to the number of classes.'
            )

    def _resume_round(self, runner: Runner, round_index: int) -> None:
        """Publishes the round of a checkpoint, or makes a damaged one anew."""
        wrong = [[]]
        if dist.is_main_process():
            self.store.publish(round_index)
            wrong = [self.store.damaged(round_index)]
        # Reading all files may take longer than NCCL waits.
        dist.broadcast_object_list(wrong, group=self.group)
        runner.logger.info(f'Pseudo-labels: resumed with round {round_index}.')
        if wrong[0]:
            runner.logger.warning(
                f'{len(wrong[0])} files of {self.store.folder(round_index)} '
                f'are damaged or missing, such as {wrong[0][0]}; the round is '
                'made anew.'
            )
            iteration = self.store.manifest(round_index)['iteration']
            self._make_round(runner, round_index, iteration)

    def _prune(self, runner: Runner) -> None:
        """Removes rounds of this run that no checkpoint goes on with.

        The one before the current one stays: batches of it may still be on
        their way.
        """
        folders = {runner.work_dir} | {
            hook.out_dir
            for hook in runner.hooks
            # Before the first step it has none yet.
            if isinstance(hook, CheckpointHook) and hook.out_dir
        }
        needed = {0, self.store.current, self.store.current - 1}
        for path in (p for f in folders for p in Path(f).glob('*.pth')):
            number = re.search(r'iter_(\d+)$', path.stem)
            if number is None:
                return
            earlier = [r for r, i in self.made.items() if i <= int(number[1])]
            needed.add(max(earlier, default=0))
        for round_index in set(self.made) - needed:
            self.store.remove(round_index)
            del self.made[round_index]

    def _make_round(
        self, runner: Runner, round_index: int, iteration: int
    ) -> None:
        """Makes a round, with the teacher's opinion unless it is the first."""
        model = _unwrap(runner.model)
        segmenter = self.generator.segmenter
        segmenter.to(next(model.parameters()).device)
        was_training = model.training
        model.eval()
        make_round(
            round_index,
            self.generator,
            self.loader,
            self.store,
            self.data_root,
            self.settings,
            teacher=model if round_index else None,
            tau=self.tau,
            iteration=iteration,
            process_group=self.group,
        )
        self.made[round_index] = iteration
        if dist.is_main_process():
            self._prune(runner)
        model.train(was_training)
        # The memory is needed for training until the next round.
        segmenter.to('cpu')
        torch.cuda.empty_cache()


def _unwrap(model: torch.nn.Module) -> torch.nn.Module:
    return model.module if is_model_wrapper(model) else model
