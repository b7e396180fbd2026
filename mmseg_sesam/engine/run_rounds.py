"""The rounds of a running training: made, resumed and removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine import dist
from mmengine.runner import Runner

from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.engine.checkpoints import prune_rounds, save_checkpoint_now
from mmseg_sesam.engine.class_shares_hook import counted_images
from mmseg_sesam.engine.models import refuse_sharded, share_buffers, unwrap
from mmseg_sesam.engine.trial import (
    try_batch,
    try_losses,
    try_predictions,
    try_sample,
    try_single_image,
    try_transforms,
)
from mmseg_sesam.models.alignment import moving_features
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds import distributed
from mmseg_sesam.rounds.make_round import RoundMaker
from mmseg_sesam.rounds.provenance import fingerprint
from mmseg_sesam.rounds.resume import inspect_round, take_over_first
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import STORE_NAME, PseudoLabelStore


class RunRounds:
    """Makes the rounds of a training in `<work_dir>/pseudo_labels`.

    It checks model and images, locks the store, and attaches it to the
    training data set. The arguments are options of `SAMPseudoLabelHook`, and
    whether it makes more than round 0.

    Attributes:
        current: the published round.
    """

    def __init__(
        self,
        runner: Runner,
        generator: PseudoLabelGenerator,
        enrich_threshold: float | Sequence[float],
        num_workers: int,
        timeout_hours: float,
        refreshes: bool,
    ) -> None:
        self.runner = runner
        self.model = unwrap(runner.model)
        self.generator = generator
        self.enrich_threshold = enrich_threshold
        self.refreshes = refreshes
        self.current = -1
        self._stale_in_round = 0
        self.group = distributed.build_group(timeout_hours)
        distributed.on_all_ranks(self._check_model, self.group)
        self.prepare = ValidationTransforms.of_config(runner.cfg)
        self.store = PseudoLabelStore(Path(runner.work_dir, STORE_NAME))
        self.images = _training_images(runner, num_workers, self.group)
        # After the images, whose errors name the file.
        distributed.on_all_ranks(self._try_images, self.group)
        # After the trial, which needs no pseudo-labels: a network disk may
        # remember for other ranks that the store has no round.
        attach_store(
            runner.train_dataloader.dataset,
            self.store,
            self.images.data_root,
            with_confident=self.model.teacher_mode == 'round',
        )
        self.settings = fingerprint(generator, self.images)
        distributed.on_main_rank(self._take_lock, self.group)

    def release(self) -> None:
        """Releases the lock on the store."""
        if dist.is_main_process():
            self._lock.release()

    def start(self, init_from: str | None, iteration: int = 0) -> None:
        """Publishes round 0, copied from another run or made."""
        if init_from is not None:
            distributed.on_main_rank(
                lambda: take_over_first(self.store, init_from, self.settings),
                self.group,
            )
        self.make(0, iteration)

    def resume(
        self,
        round_index: int,
        noted: dict[str, Any],
        restart: bool,
        init_from: str | None,
    ) -> None:
        """Publishes the round of a checkpoint; a lost one is made again.

        A round 0 that is needed again comes from `init_from` if it is set.

        Raises:
            ValueError: settings have changed, and `restart`, which makes a
                new round 0, is not set.
        """
        with_confident = self.model.teacher_mode == 'round'
        fault, changed = distributed.on_main_rank(
            lambda: inspect_round(
                self.store, round_index, noted, self.settings, with_confident
            ),
            self.group,
        )
        if changed and not restart:
            raise ValueError(
                f'{changed}; restore them, start a new run in another work '
                'dir, or set restart_if_changed=True of SAMPseudoLabelHook to '
                'continue with a new round 0.'
            )
        if changed:
            self.start(init_from, self.runner.iter)
            return
        # Refreshes read the prior of round 0.
        if round_index and distributed.on_main_rank(
            lambda: self.store.settings(0) != self.settings, self.group
        ):
            self.start(init_from)
        if fault:
            self.runner.logger.warning(
                f'{self.store.folder(round_index)} is not as this run left '
                f'it: {fault}; the round is made again.'
            )
            iteration = noted.get('iteration', self.runner.iter)
            if round_index:
                self.make(round_index, iteration)
            else:
                self.start(init_from, iteration)
        else:
            distributed.on_main_rank(
                lambda: self.store.publish(round_index), self.group
            )
            self.current = round_index

    def refresh(self) -> None:
        """Makes the next round, from a checkpoint that is saved before."""
        share_buffers(self.model)
        save_checkpoint_now(self.runner)
        self.make(self.current + 1, self.runner.iter + 1)

    def make(self, round_index: int, iteration: int) -> None:
        """Makes and publishes a round, after round 0 with the teacher."""
        model, segmenter = self.model, self.generator.segmenter
        segmenter.to(next(model.parameters()).device)
        was_training = model.training
        model.eval()
        RoundMaker(
            round_index,
            self.generator,
            self.images,
            self.store,
            self.settings,
            self._teacher() if round_index else None,
            iteration,
            self.group,
        ).make()
        self.current = round_index
        distributed.on_main_rank(
            lambda: prune_rounds(self.runner, self.store, round_index),
            self.group,
        )
        model.train(was_training)
        # Training needs the memory until the next round.
        segmenter.to('cpu')
        torch.cuda.empty_cache()

    def count_stale(self, batch: dict) -> None:
        """Counts a batch of an earlier round, and logs their number."""
        samples = batch['data_samples']
        rounds = [s.get('pseudo_label_round', self.current) for s in samples]
        if min(rounds) < self.current:
            self._stale_in_round += 1
        elif self._stale_in_round:
            self.runner.logger.info(
                f'Pseudo-labels: {self._stale_in_round} batches after round '
                f'{self.current} was published held earlier ones; workers '
                'had loaded them before.'
            )
            self._stale_in_round = 0

    def _check_model(self) -> None:
        refuse_sharded(self.runner.model)
        try_losses(self.model)
        warning = moving_features(self.model)
        if warning:
            self.runner.logger.warning(warning)

    def _try_images(self) -> None:
        try_sample(self.runner)
        try_single_image(self.runner)
        try_batch(self.runner, self.images.two_sizes())
        if self.refreshes:
            try_transforms(self.images.dataset, self.prepare)
            try_predictions(self.images, self._teacher())

    def _teacher(self) -> TeacherPredictor:
        """Returns what predicts images in a refresh."""
        return TeacherPredictor(
            self.model, self.prepare, self.enrich_threshold
        )

    def _take_lock(self) -> None:
        self._lock = self.store.lock()


def _training_images(
    runner: Runner, num_workers: int, group: Any
) -> TrainingImages:
    """Returns the images of a training, which a hook may have read."""
    images = counted_images(runner)
    if images is None:
        dataset = runner.cfg.train_dataloader.dataset
        return TrainingImages(dataset, num_workers, group)
    images.num_workers = num_workers
    return images
