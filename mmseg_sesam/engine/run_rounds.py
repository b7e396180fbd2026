"""The rounds of a running training: made, resumed and removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine import dist
from mmengine.runner import Runner

from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.engine.models import (
    average_buffers,
    check_built,
    stores_confident,
    unwrap,
)
from mmseg_sesam.engine.prune import prune_rounds
from mmseg_sesam.engine.trial import try_sample
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds.distributed import (
    build_group,
    on_all_ranks,
    on_main_rank,
)
from mmseg_sesam.rounds.initial import take_over_first
from mmseg_sesam.rounds.make_round import make_round
from mmseg_sesam.rounds.provenance import fingerprint
from mmseg_sesam.rounds.resume import inspect_round
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import STORE_NAME, PseudoLabelStore


class RunRounds:
    """Makes the rounds of a training in `<work_dir>/pseudo_labels`.

    It checks model and images, locks the store, and attaches it to the
    training data set.

    Args:
        runner: of the training.
        generator: makes each pseudo-label.
        enrich_threshold: least probability with which a prediction joins
            the weak label.
        num_workers: processes that load images.
        timeout_hours: hours that ranks wait for each other.

    Raises:
        ValueError: the model or an image cannot be trained on, or another
            run uses the store.
    """

    def __init__(
        self,
        runner: Runner,
        generator: PseudoLabelGenerator,
        enrich_threshold: float | Sequence[float],
        num_workers: int,
        timeout_hours: float,
    ) -> None:
        self.runner = runner
        self.generator = generator
        self.enrich_threshold = enrich_threshold
        self.current = -1
        self.group = build_group(timeout_hours)
        on_all_ranks(lambda: check_built(runner), self.group)
        self.scale = ValidationResize.of_config(runner.cfg)
        self.store = PseudoLabelStore(Path(runner.work_dir, STORE_NAME))
        self.images = TrainingImages(
            runner.cfg.train_dataloader.dataset,
            num_workers,
            generator.ignore_index,
            self.group,
        )
        dataset = runner.train_dataloader.dataset
        attach_store(dataset, self.store, self.images.data_root)
        # After the images, whose errors name the file. A published round may
        # be damaged, and is checked later.
        if self.store.current is None:
            on_all_ranks(lambda: try_sample(runner), self.group)
        self.settings = fingerprint(generator, self.images)

        def lock() -> None:
            self._lock = self.store.lock()

        on_main_rank(lock, self.group)

    def release(self) -> None:
        """Releases the lock on the store."""
        if dist.is_main_process():
            self._lock.release()

    def start(self, init_from: str | None) -> None:
        """Publishes round 0.

        Args:
            init_from: folder whose round 0 is copied, see `take_over_first`.

        Raises:
            ValueError: that round was made with other settings.
        """
        if init_from is not None:
            on_main_rank(
                lambda: take_over_first(self.store, init_from, self.settings),
                self.group,
            )
        self.make(0, 0)

    def resume(
        self, round_index: int, noted: dict[str, Any], restart: bool
    ) -> None:
        """Publishes the round of a checkpoint; a lost one is made again.

        Args:
            round_index: of the checkpoint.
            noted: from the checkpoint, see `digests_of`.
            restart: make a new round 0 if settings have changed.

        Raises:
            ValueError: settings have changed.
        """
        state = on_main_rank(
            lambda: inspect_round(
                self.store,
                round_index,
                noted,
                self.settings,
                stores_confident(self.runner),
            ),
            self.group,
        )
        folder = self.store.folder(round_index)
        if state.changed and not restart:
            raise ValueError(
                f'{folder}, the round of the resumed checkpoint, was made '
                f'with other settings: {state.changed}; restore them, start '
                'a new run in another work dir, or set '
                'restart_if_changed=True of SAMPseudoLabelHook to continue '
                'with a new round 0.'
            )
        if state.changed:
            self.make(0, self.runner.iter)
            return
        if state.first_is_lost and round_index:
            # Refreshes read its prior.
            self.make(0, 0)
        if state.fault:
            self.runner.logger.warning(
                f'{folder} is not as this run left it: {state.fault}; the '
                'round is made again.'
            )
            self.make(round_index, noted.get('iteration', self.runner.iter))
            return
        on_main_rank(lambda: self.store.publish(round_index), self.group)
        self.current = round_index

    def make(self, round_index: int, iteration: int) -> None:
        """Makes and publishes a round, after round 0 with the teacher.

        Args:
            round_index: number of the round.
            iteration: after which the round is made.

        Raises:
            RoundError: it could not be made.
        """
        model = unwrap(self.runner.model)
        average_buffers(model)
        segmenter = self.generator.segmenter
        segmenter.to(next(model.parameters()).device)
        was_training = model.training
        model.eval()
        make_round(
            round_index,
            self.generator,
            self.images,
            self.store,
            self.settings,
            teacher=model if round_index else None,
            enrich_threshold=self.enrich_threshold,
            scale=self.scale,
            iteration=iteration,
            process_group=self.group,
        )
        self.current = round_index
        on_main_rank(
            lambda: prune_rounds(self.runner, self.store, round_index),
            self.group,
        )
        model.train(was_training)
        # Training needs the memory until the next round.
        segmenter.to('cpu')
        torch.cuda.empty_cache()
