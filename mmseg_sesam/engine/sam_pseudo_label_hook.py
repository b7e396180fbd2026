"""Hook that makes pseudo-labels before training and refreshes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS, TASK_UTILS

from mmseg_sesam.datasets.pipelines import pseudo_label_source
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.pseudo_labels.rounds import (
    build_loader,
    describe,
    make_round,
)
from mmseg_sesam.pseudo_labels.store import PseudoLabelStore
from mmseg_sesam.pseudo_labels.teacher import TeacherOpinion

_CHECKPOINT_KEY = 'sesam_round'
_SHARDING_WRAPPERS = ('MMFullyShardedDataParallel', 'MMDeepSpeedEngineWrapper')


@HOOKS.register_module()
class SAMPseudoLabelHook(Hook):
    """Makes round 0 from weak labels, and later rounds with the teacher.

    Images, weak labels and the place of the pseudo-labels are those of the
    training pipeline, up to its `LoadPseudoLabel`. Round 0 is made before the
    first step, or taken over if the store holds
    one that was made with the same settings from the same weak labels. The
    round is part of each checkpoint: a resumed run goes on with it.

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
        self.timeout = timedelta(hours=timeout_hours)
        self.resumed_round: int | None = None

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
        # NCCL gives up long before a round is made.
        self.group = (
            torch.distributed.new_group(backend='gloo', timeout=self.timeout)
            if dist.is_distributed()
            else None
        )
        self.settings = describe(
            self.generator, dataset, self.loader.dataset, self.data_root
        )
        if self.resumed_round is not None:
            self._publish(self.resumed_round)
            runner.logger.info(
                f'Pseudo-labels: resumed with round {self.resumed_round}.'
            )
        elif self._has_round_zero():
            self._publish(0)
            runner.logger.info(
                'Pseudo-labels: round 0 is taken over from '
                f'{self.store.folder(0)}.'
            )
        else:
            self._make_round(runner, 0)

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
            self._make_round(runner, self.store.current + 1)

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

    def _has_round_zero(self) -> bool:
        manifest = self.store.manifest(0)
        return manifest is not None and manifest['settings'] == self.settings

    def _publish(self, round_index: int) -> None:
        if dist.is_main_process():
            self.store.publish(round_index)
        dist.barrier(self.group)

    def _make_round(self, runner: Runner, round_index: int) -> None:
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
            ask_teacher=TeacherOpinion.asker(model) if round_index else None,
            tau=self.tau,
            process_group=self.group,
        )
        model.train(was_training)
        # The memory is needed for training until the next round.
        segmenter.to('cpu')
        torch.cuda.empty_cache()


def _unwrap(model: torch.nn.Module) -> torch.nn.Module:
    return model.module if is_model_wrapper(model) else model
