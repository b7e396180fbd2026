"""Hook that gives a training the classes' true shares of pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from prettytable import PrettyTable

from mmseg_sesam import validators
from mmseg_sesam.config_checks import check_config
from mmseg_sesam.core.class_shares import match_weak_labels
from mmseg_sesam.datasets.class_shares import shares_of
from mmseg_sesam.engine.models import unwrap
from mmseg_sesam.models.class_prior import TeacherPrior
from mmseg_sesam.rounds.distributed import build_group
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.rounds.weak_shares import count_weak_labels
from mmseg_sesam.validators import Rule, option, required

# Checkpoint key of the teacher's constants.
_KEY = 'sesam_teacher_prior'
_SHARES = Rule(
    lambda value: (
        isinstance(value, (Mapping, str, os.PathLike)) and bool(value)
    ),
    'a share for each class by its name, or a path',
)


@HOOKS.register_module()
@dataclass(eq=False)
class ClassSharesHook(Hook):
    """Gives a training the classes' true shares of pixels.

    Clicks and scribbles say nothing of areas: on points, a small sign has as
    many labels as a large building, and a network learns the shares of the
    labels. Set this hook where you know the true shares, or have some
    hundred random pixels classified with tools/sample_pixels.py.

    The teacher's logits get a constant for each class, online and in
    refreshes, so that the mean of its predictions has the shares. The student
    learns from these predictions. Before training the labels of the training
    set are counted, whole and without augmentation, each image once.

    Source: our choice. Shifting the student's logits in the loss on weak
    labels instead (logit adjustment, Menon et al., ICLR 2021) trained rare
    classes less (docs/lab_notebook.md).

    Args:
        shares: share of pixels of each class by its name, of sum 1; or the
            path of a table that the page of tools/sample_pixels.py saves; or
            of a folder of some dense labels, with 255 for unlabelled, whose
            names end in seg_map_suffix of the training set.
        num_workers: processes that load weak labels to count them.

    Attributes:
        images: the training images, for rounds; None before training.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> hook = ClassSharesHook(dict(sky=0.25, road=0.75))
        >>> hook.num_workers
        2
    """

    shares: Mapping[str, float] | str | os.PathLike = required(_SHARES)
    num_workers: int = option(2, validators.count())

    # Before SAMPseudoLabelHook (95), which makes rounds with the teacher.
    priority = 'NORMAL'

    def __post_init__(self) -> None:
        validators.check_fields(self)
        self.images: TrainingImages | None = None
        self.resumed: dict[str, torch.Tensor] | None = None

    def before_train(self, runner: Runner) -> None:
        """Counts weak labels, and gives the teacher its constants.

        Raises:
            FileNotFoundError: an image or a label file is missing.
            ValueError: shares, classes or weak labels do not fit each other,
                or `TrainingImages` refuses an image.
        """
        check_config(runner.cfg, runner.hooks)
        config = runner.cfg.train_dataloader.dataset
        given, classes = shares_of(self.shares, config)
        model = unwrap(runner.model)
        group = build_group()
        self.images = TrainingImages(config, self.num_workers, group)
        counts = count_weak_labels(self.images, len(classes), group)
        shares, weak = match_weak_labels(given, counts, classes)
        runner.logger.info(
            f'Class shares of {given.source}, for the teacher:\n'
            f'{_table(classes, shares, weak)}'
        )
        for name, share, count in zip(classes, given.values, counts):
            if share and not count:
                runner.logger.warning(
                    f'The class {name!r} has {share:.2%} of the pixels and '
                    'no weak label, so that no network learns it, and its '
                    'share is taken for 0; label it in some images.'
                )
        device = next(model.parameters()).device
        true = torch.tensor(shares, dtype=torch.float32, device=device)
        model.teacher_prior = TeacherPrior(true)
        if self.resumed is not None and not model.teacher_prior.restore(
            self.resumed
        ):
            runner.logger.warning(
                'The class shares have changed since the resumed checkpoint, '
                "so that the teacher's constants start from 0."
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes the constants of an online teacher."""
        prior = unwrap(runner.model).teacher_prior
        if prior is not None:
            checkpoint[_KEY] = prior.state()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keeps what a resumed checkpoint notes of the constants."""
        if runner._resume:
            self.resumed = checkpoint.get(_KEY)


def counted_images(runner: Runner) -> TrainingImages | None:
    """Returns the images whose weak labels a ClassSharesHook has counted.

    Rounds use them, because reading the files again takes time. None without
    such a hook, and before it has counted.
    """
    for hook in runner.hooks:
        if isinstance(hook, ClassSharesHook):
            return hook.images
    return None


def _table(
    classes: list[str], shares: np.ndarray, weak: np.ndarray
) -> PrettyTable:
    """Returns a table of true and weak labels' shares, in percent."""
    table = PrettyTable(['class', 'pixels, %', 'weak labels, %'], align='r')
    table.align['class'] = 'l'
    for name, *row in zip(classes, shares, weak):
        table.add_row([name, *(f'{value:.2%}'[:-1] for value in row)])
    return table
