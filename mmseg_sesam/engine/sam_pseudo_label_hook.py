"""Hook that makes pseudo-labels before training and refreshes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine import dist
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS, TASK_UTILS
from torch import nn

from mmseg_sesam.compat import restart_loading
from mmseg_sesam.config_checks import check_config
from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.engine.models import check_built, stores_opinions, unwrap
from mmseg_sesam.engine.trial import try_sample
from mmseg_sesam.rounds.distributed import (
    build_group,
    on_all_ranks,
    on_main_rank,
)
from mmseg_sesam.rounds.make_round import make_round
from mmseg_sesam.rounds.provenance import describe
from mmseg_sesam.rounds.resume import digests_of, find_rounds
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.owner import refuse_foreign_rounds
from mmseg_sesam.store.run_notes import note_rounds
from mmseg_sesam.store.store import PseudoLabelStore
from mmseg_sesam.validators import (
    CONFIG,
    FLAG,
    SHARE,
    check_option,
    check_options,
    count,
    number,
)

# Checkpoint keys: round number, and digests that identify the round.
_ROUND_KEY = 'sesam_round'
_MADE_KEY = 'sesam_round_made'
# Whether a refresh comes before the next step.
_DUE_KEY = 'sesam_refresh_due'
# The work dir, which the manifests of the run's rounds name.
_WORK_DIR_KEY = 'sesam_work_dir'


@HOOKS.register_module()
class SAMPseudoLabelHook(Hook):
    """Makes round 0 from weak labels, and later rounds with the teacher.

    Images, weak labels and the place of the pseudo-labels are those of the
    training pipeline, up to its `LoadPseudoLabel`; the teacher is shown them
    at the scale of validation. Round 0 is made before the
    first step, or taken over if the store holds one that was made with the
    same settings from the same weak labels. The round is part of each
    checkpoint: a resumed run goes on with it, and refuses to if settings or
    weak labels have changed since, lest rounds of one run differ in what
    they are made of. Where checkpoints are saved by iterations, one is saved
    before each refresh (and counts as any other), so that a run that is
    interrupted there goes on with the same teacher and keeps what was made.
    Rounds that no checkpoint of the work dir can need are removed, except
    for the first.

    Source: SeSAM's iterative refinement; every default is our choice.

    Args:
        generator: config of the `PseudoLabelGenerator`.
        begin: iteration after which the first refresh is made, 1 or more.
        interval: iterations between refreshes.
        max_rounds: number of refreshes; 0 keeps round 0.
        enrich_threshold: least probability with which the teacher's
            prediction joins the weak label, for all classes or one for each.
        num_workers: processes that load images.
        timeout_hours: that ranks wait for each other while a round is made.
        restart_if_changed: a resumed run whose settings have changed makes a
            new round 0 and goes on with that.
        enabled: False makes no pseudo-labels, and `LoadPseudoLabel` adds
            none: the baseline of weak labels alone.

    Raises:
        ValueError: an option is out of range.
    """

    # After VERY_LOW, that of hooks that save: what all of these change is in
    # the checkpoint of a refresh. Before LOWEST, that of hooks that look.
    priority = 95

    def __init__(
        self,
        generator: dict,
        begin: int = 1000,
        interval: int = 1000,
        max_rounds: int = 3,
        enrich_threshold: float | Sequence[float] = 0.95,
        num_workers: int = 2,
        timeout_hours: float = 24,
        restart_if_changed: bool = False,
        enabled: bool = True,
    ) -> None:
        check_option('SAMPseudoLabelHook', 'generator', generator, CONFIG)
        self.enabled = enabled
        # It may load weights of gigabytes.
        self.generator = TASK_UTILS.build(generator) if enabled else None
        self.begin = begin
        self.interval = interval
        self.max_rounds = max_rounds
        self.enrich_threshold = enrich_threshold
        self.num_workers = num_workers
        self.timeout_hours = timeout_hours
        self.restart_if_changed = restart_if_changed
        check_options(
            self,
            begin=count(1),
            interval=count(1),
            max_rounds=count(),
            enrich_threshold=SHARE.or_several(),
            num_workers=count(),
            timeout_hours=number(above=0),
            restart_if_changed=FLAG,
            enabled=FLAG,
        )
        self.resumed_round: int | None = None
        self.resumed_made: dict[str, Any] = {}
        self.resumed_due = False
        self.resumed_work_dir: str | None = None
        self.due = False
        # Since the last publish; they were on their way when it came.
        self.stale_batches = 0
        note_rounds()

    def before_train(self, runner: Runner) -> None:
        """Sees to it that a round is published before the first step.

        Raises:
            ValueError: config and hook do not fit each other.
        """
        # A Runner may have been built after the hook.
        note_rounds()
        check_config(runner.cfg, runner.hooks)
        if not self.enabled:
            attach_store(runner.train_dataloader.dataset, None, enabled=False)
            restart_loading(runner.train_loop)
            return
        self.group = build_group(self.timeout_hours)
        on_all_ranks(lambda: check_built(runner), self.group)
        dataset = runner.cfg.train_dataloader.dataset
        self.scale = ValidationResize.of_config(runner.cfg)
        self.store = PseudoLabelStore(Path(runner.work_dir, 'pseudo_labels'))
        self.images = TrainingImages(
            dataset,
            self.num_workers,
            self.generator.ignore_index,
            self.group,
        )
        attach_store(
            runner.train_dataloader.dataset,
            self.store,
            self.images.data_root,
        )
        # After the images, whose errors name the file. A round that is there
        # already may be damaged, and is made again below.
        if self.store.current is None:
            on_all_ranks(lambda: try_sample(runner), self.group)
        self.settings = describe(self.generator, self.images)
        on_main_rank(lambda: self._take_store(runner), self.group)
        if self.resumed_round is None:
            self._make_round(runner, 0, 0)
        else:
            self._resume_round(runner, self.resumed_round)
            if self.resumed_due and self._is_due(runner.iter):
                self._make_round(runner, self.round + 1, runner.iter)
        # Their workers may have met the labels of another round.
        restart_loading(runner.train_loop)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Sets `due` if a refresh follows this iteration, for checkpoints."""
        self.due = self.enabled and self._is_due(runner.iter + 1)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Refreshes the pseudo-labels when it is time."""
        if not self.enabled:
            return
        self._count_stale(runner, data_batch)
        if self.due:
            _average_buffers(unwrap(runner.model))
            _save_checkpoint(runner)
            self._make_round(runner, self.round + 1, runner.iter + 1)
            self.due = False

    def after_train(self, runner: Runner) -> None:
        """Lets other runs write to the store."""
        if self.enabled and dist.is_main_process():
            self.lock.release()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes the published round."""
        if not self.enabled:
            return
        checkpoint[_ROUND_KEY] = self.round
        checkpoint[_MADE_KEY] = digests_of(self.store.manifest(self.round))
        checkpoint[_DUE_KEY] = self.due
        checkpoint[_WORK_DIR_KEY] = _origin(runner)['work_dir']

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remembers the round that a resumed run was in."""
        if runner._resume and self.enabled:
            self.resumed_round = checkpoint.get(_ROUND_KEY)
            self.resumed_made = checkpoint.get(_MADE_KEY, {})
            self.resumed_due = checkpoint.get(_DUE_KEY, False)
            self.resumed_work_dir = checkpoint.get(_WORK_DIR_KEY)

    def _is_due(self, iteration: int) -> bool:
        """Whether a refresh follows on an iteration, counted from 1."""
        refreshes, rest = divmod(iteration - self.begin, self.interval)
        return not rest and 0 <= refreshes < self.max_rounds

    def _take_store(self, runner: Runner) -> None:
        """Locks the store, and refuses to replace another run's rounds."""
        self.lock = self.store.lock()
        work_dir = _origin(runner)['work_dir']
        former = self.resumed_work_dir
        # A copy's rounds stay those of the work dir that was copied.
        if former and not any(Path(former).glob('*.pth')):
            self.store.change_work_dir(former, work_dir)
        resumed = self.resumed_round
        refuse_foreign_rounds(
            self.store,
            self.settings,
            work_dir,
            'give another --work-dir',
            first=0 if resumed is None else resumed + 1,
            last=self.max_rounds,
        )

    def _resume_round(self, runner: Runner, round_index: int) -> None:
        """Goes on with the round of a checkpoint; a lost one is remade.

        Raises:
            ValueError: settings have changed, and nothing says to go on.
        """
        found = on_main_rank(
            lambda: find_rounds(
                self.store,
                round_index,
                self.resumed_made,
                self.settings,
                stores_opinions(runner),
            ),
            self.group,
        )
        if found.changed and not self.restart_if_changed:
            raise ValueError(
                f'{self.store.folder(round_index)}, with which this run goes '
                f'on, was made with other settings: {found.changed}; restore '
                'them, start a new run in another work dir, or set '
                'restart_if_changed=True of SAMPseudoLabelHook to go on from '
                'a new round 0.'
            )
        if found.changed:
            self._make_round(runner, 0, runner.iter)
            return
        if found.first_is_lost and round_index:
            # Refreshes, too, need what it has learned of growth.
            self._make_round(runner, 0, 0)
        if found.fault:
            runner.logger.warning(
                f'{self.store.folder(round_index)} is not as this run left '
                f'it: {found.fault}; the round is made anew.'
            )
            iteration = self.resumed_made.get('iteration', runner.iter)
            self._make_round(runner, round_index, iteration)
        else:
            on_main_rank(lambda: self.store.publish(round_index), self.group)
            self.round = round_index
        runner.logger.info(f'Pseudo-labels: resumed with round {round_index}.')

    def _count_stale(self, runner: Runner, data_batch: Any) -> None:
        """Counts batches that hold pseudo-labels of an earlier round."""
        samples = data_batch['data_samples']
        rounds = [s.get('pseudo_label_round', self.round) for s in samples]
        if min(rounds) < self.round:
            self.stale_batches += 1
        elif self.stale_batches:
            runner.logger.info(
                f'Pseudo-labels: {self.stale_batches} batches after round '
                f'{self.round} was published held earlier ones; workers had '
                'loaded them before.'
            )
            self.stale_batches = 0

    def _prune(self, runner: Runner) -> None:
        """Removes rounds of this work dir that no checkpoint goes on with.

        The one before the current one stays: batches of it may still be on
        their way. Later ones stay until they are made again.
        """
        work_dir = _origin(runner)['work_dir']
        manifests = {r: self.store.manifest(r) for r in self.store.rounds()}
        made = {
            r: manifest['iteration']
            for r, manifest in manifests.items()
            if manifest and manifest.get('work_dir') == work_dir
        }
        folders = {runner.work_dir} | {
            hook.out_dir
            for hook in runner.hooks
            if isinstance(hook, CheckpointHook) and hook.out_dir
        }
        needed = {0, self.round - 1}
        for path in (p for f in folders for p in Path(f).glob('*.pth')):
            iteration = _iteration_of(path, runner)
            if iteration is None:
                runner.logger.info(
                    f'Pseudo-labels: all rounds stay, since {path} may need '
                    'any of them; its name tells no iteration.'
                )
                return
            # One that was saved for a refresh goes on with the round before.
            for last in (iteration, iteration - 1):
                earlier = [r for r, i in made.items() if i <= last]
                needed.add(max(earlier, default=0))
        for round_index in set(made) - needed:
            if round_index < self.round:
                self.store.remove(round_index)

    def _make_round(
        self, runner: Runner, round_index: int, iteration: int
    ) -> None:
        """Makes a round, with the teacher's opinion unless it is the first."""
        model = unwrap(runner.model)
        _average_buffers(model)
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
            origin=dict(iteration=iteration, **_origin(runner)),
            process_group=self.group,
        )
        self.round = round_index
        on_main_rank(lambda: self._prune(runner), self.group)
        model.train(was_training)
        # The memory is needed for training until the next round.
        segmenter.to('cpu')
        torch.cuda.empty_cache()


def _average_buffers(model: nn.Module) -> None:
    """Averages BatchNorm buffers, so that all ranks predict the same."""
    dist.all_reduce_params(
        [b for b in model.buffers() if b.is_floating_point()], op='mean'
    )


def _save_checkpoint(runner: Runner) -> None:
    """Saves a checkpoint before a refresh, unless one was just saved."""
    for hook in runner.hooks:
        if not isinstance(hook, CheckpointHook) or hook.by_epoch:
            continue
        name = hook.filename_tmpl.format(runner.iter + 1)
        if hook.interval > 0 and Path(hook.last_ckpt or '').name != name:
            hook._save_checkpoint(runner)


def _iteration_of(checkpoint: Path, runner: Runner) -> int | None:
    """After how many steps a checkpoint was saved, by its name."""
    number = re.search(r'(iter|epoch)_(\d+)$', checkpoint.stem)
    if number is None:
        return None
    loop = runner.train_loop
    epoch = loop.max_iters // loop.max_epochs
    return int(number[2]) * (epoch if number[1] == 'epoch' else 1)


def _origin(runner: Runner) -> dict[str, str]:
    """Returns what manifests note about the run that made a round."""
    return dict(work_dir=str(Path(runner.work_dir).resolve()))
