"""Hook that makes pseudo-labels before training and refreshes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS, TASK_UTILS

from mmseg_sesam import validators
from mmseg_sesam.compat import restart_loading
from mmseg_sesam.config_checks import check_config
from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.engine.class_shares_hook import counted_images
from mmseg_sesam.engine.run_rounds import RunRounds
from mmseg_sesam.rounds.resume import digests_of
from mmseg_sesam.store.run_notes import note_rounds
from mmseg_sesam.store.store import PseudoLabelStore
from mmseg_sesam.validators import option, required

# Checkpoint keys: round number, digests that identify the round, and whether
# a refresh follows before the next step.
_KEYS = ('sesam_round', 'sesam_round_digests', 'sesam_refresh_due')


@HOOKS.register_module()
@dataclass(eq=False)
class SAMPseudoLabelHook(Hook):
    """Decides when a round of pseudo-labels is made.

    The store is `<work_dir>/pseudo_labels`; the hook attaches it to the
    `LoadPseudoLabel` of the training data set. Round 0 is made from the weak
    labels before the first step, or taken over if the store holds one of the
    same settings and weak labels. Later rounds are made with the teacher,
    which sees images as validation does. A checkpoint notes its round: a
    resumed run continues with that, and is refused if settings or weak labels
    have changed. Where checkpoints are saved by iterations, one is saved
    before each refresh, so that an interrupted refresh is continued with the
    same teacher. Rounds that no checkpoint needs are removed, except round 0.

    Source: SeSAM's iterative refinement; every default is our choice.

    Args:
        generator: config of the `PseudoLabelGenerator`.
        begin: iteration after which the first refresh is made, 1 or more;
            after the last iteration none is made. Raise it if the teacher is
            still poor then.
        interval: iterations between refreshes.
        max_rounds: number of refreshes; 0 keeps round 0 (the offline
            baseline).
        enrich_threshold: least probability with which the teacher's
            prediction joins the weak label, for all classes or one for each.
            Images without a label get half of each class at least, see
            `core.refinement.class_thresholds`.
        init_from: work dir or store of another run, or the output of
            tools/generate_pseudo_labels.py, whose round 0 is copied; a
            resumed run copies it only if its own round 0 is lost or replaced.
            Set it to share one round 0 between runs.
        enabled: False makes no pseudo-labels, and `LoadPseudoLabel` adds
            none (the weak-label baseline).
        num_workers: processes that load images for a round.
        timeout_hours: hours that ranks wait for each other in a round.
        restart_if_changed: True lets a resumed run whose settings have
            changed continue with a new round 0, or with that of init_from.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> hook = SAMPseudoLabelHook(
        ...     dict(
        ...         type='PseudoLabelGenerator',
        ...         segmenter=dict(type='SuperpixelSegmenter'),
        ...     ),
        ...     begin=500,
        ... )
        >>> hook.begin, hook.max_rounds
        (500, 3)
    """

    generator: Any = required(validators.CONFIG)
    begin: int = option(1000, validators.count(1))
    interval: int = option(1000, validators.count(1))
    max_rounds: int = option(3, validators.count())
    enrich_threshold: float | Sequence[float] = option(
        0.95, validators.SHARE.or_several()
    )
    init_from: str | None = option(None, validators.PATH.or_none())
    enabled: bool = option(True, validators.FLAG)
    num_workers: int = option(2, validators.count())
    timeout_hours: float = option(24, validators.number(above=0))
    restart_if_changed: bool = option(False, validators.FLAG)

    # Runs after hooks that modify or save state (VERY_LOW = 90), so that the
    # checkpoint before a refresh contains their changes, and before
    # visualization (LOWEST = 100).
    priority = 95

    def __post_init__(self) -> None:
        validators.check_fields(self)
        # A disabled hook loads no weights of a segmenter.
        if self.enabled:
            self.generator = TASK_UTILS.build(self.generator)
        self.resumed: list[Any] = []
        self.due = False
        note_rounds()

    @property
    def store(self) -> PseudoLabelStore:
        """The store of the run."""
        return self.rounds.store

    @property
    def round(self) -> int:
        """The published round."""
        return self.rounds.current

    def before_train(self, runner: Runner) -> None:
        """Publishes a round before the first step.

        Raises:
            ValueError: config and hook do not match, or settings changed.
        """
        # A Runner may have been built after the hook.
        note_rounds()
        # A ClassSharesHook checks the config before it counts labels.
        if counted_images(runner) is None:
            check_config(runner.cfg, runner.hooks)
        if self.enabled:
            self._warn_of_missing_refreshes(runner)
            self._begin(runner)
        else:
            attach_store(runner.train_dataloader.dataset, None, enabled=False)
        # Workers have loaded samples of another round, or of none.
        restart_loading(runner.train_loop)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Sets `due` if a refresh follows this iteration, for checkpoints.

        After the last iteration it stays, for a run that continues longer.
        """
        self.due = self.enabled and self._is_due(runner.iter + 1)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Refreshes the pseudo-labels when it is time."""
        if self.enabled:
            self.rounds.count_stale(data_batch)
        # Nothing would learn from a refresh after the last iteration.
        if self.due and runner.iter + 1 < runner.max_iters:
            self.rounds.refresh()
            self.due = False

    def after_train(self, runner: Runner) -> None:
        """Releases the lock on the store."""
        if self.enabled:
            self.rounds.release()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes the published round."""
        if self.enabled:
            digests = digests_of(self.store.manifest(self.round))
            noted = self.round, digests, self.due
            checkpoint.update(zip(_KEYS, noted))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keeps what a resumed checkpoint notes of its round."""
        if runner._resume and _KEYS[0] in checkpoint:
            self.resumed = [checkpoint[key] for key in _KEYS]

    def _is_due(self, iteration: int) -> bool:
        """Returns whether a refresh follows an iteration, from 1."""
        refreshes, rest = divmod(iteration - self.begin, self.interval)
        return not rest and 0 <= refreshes < self.max_rounds

    def _warn_of_missing_refreshes(self, runner: Runner) -> None:
        """Warns of refreshes that the end of the training leaves out."""
        end = self.begin + self.max_rounds * self.interval
        planned = range(self.begin, end, self.interval)
        # None is made after the last iteration.
        made = sum(iteration < runner.max_iters for iteration in planned)
        if made < self.max_rounds:
            runner.logger.warning(
                f'SAMPseudoLabelHook has max_rounds={self.max_rounds}, '
                f'begin={self.begin} and interval={self.interval}, and '
                f'training ends after {runner.max_iters} iterations: {made} '
                'refreshes are made. Lower begin or interval to get the '
                'others.'
            )

    def _begin(self, runner: Runner) -> None:
        """Publishes round 0, or the round of the resumed checkpoint."""
        self.rounds = RunRounds(
            runner,
            self.generator,
            self.enrich_threshold,
            self.num_workers,
            self.timeout_hours,
            refreshes=self.max_rounds > 0,
        )
        if not self.resumed:
            self.rounds.start(self.init_from)
            return
        round_index, digests, due = self.resumed
        self.rounds.resume(
            round_index, digests, self.restart_if_changed, self.init_from
        )
        remains = runner.iter < runner.max_iters
        if due and remains and self._is_due(runner.iter):
            self.rounds.make(self.round + 1, runner.iter)
