"""Making one round: all images of a data set -> published pseudo-labels."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any, Callable, NamedTuple

import numpy as np
from mmengine import dist
from mmengine.logging import MMLogger

from mmseg_sesam.core.expansion import ExpansionPrior
from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds.distributed import on_all_ranks, on_main_rank
from mmseg_sesam.rounds.provenance import as_json, changes, settings_digest
from mmseg_sesam.rounds.sample import Sample
from mmseg_sesam.rounds.teacher import TeacherOpinion, weights_digest
from mmseg_sesam.rounds.threaded_map import overlap
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import (
    CONFIDENT,
    LABELS,
    PseudoLabelStore,
    sample_key,
)
from mmseg_sesam.version import __version__

# Images from which it is learned how far masks of each class may grow.
CALIBRATION_IMAGES = 48
# Bytes that the first round is expected to take for each pixel; later ones
# are expected to take as much as the one before.
BYTES_PER_PIXEL = 0.2
# Modules, which know their versions: distributions have other names where
# the framework comes from onedl.
_LIBRARIES = ('torch', 'numpy', 'skimage', 'PIL', 'mmengine')


class RoundError(RuntimeError):
    """A round of pseudo-labels could not be made."""


class RoundSummary(NamedTuple):
    """Counts over the images of a round.

    Attributes:
        images: number of images.
        unlabelled_images: images without any weak label.
        components: number of components.
        fell_back: components that keep their weak pixels alone.
        pixels: pixels of all images.
        weak_pixels: of them, labelled by a person.
        labelled_pixels: of them, labelled in the pseudo-label.
    """

    images: int = 0
    unlabelled_images: int = 0
    components: int = 0
    fell_back: int = 0
    pixels: int = 0
    weak_pixels: int = 0
    labelled_pixels: int = 0

    def plus(self, *others: Sequence[int]) -> RoundSummary:
        """Adds the counts of further images."""
        return RoundSummary(*map(sum, zip(self, *others)))

    def __str__(self) -> str:
        labelled = self.labelled_pixels / max(self.pixels, 1)
        weak = self.weak_pixels / max(self.pixels, 1)
        fell_back = self.fell_back / max(self.components, 1)
        return (
            f'{self.images} images ({self.unlabelled_images} without any '
            f'weak label), {self.components} components, {labelled:.1%} of '
            f'pixels labelled (weak labels: {weak:.1%}), {fell_back:.1%} of '
            'components fell back'
        )


def make_round(
    round_index: int,
    generator: PseudoLabelGenerator,
    images: TrainingImages,
    store: PseudoLabelStore,
    settings: dict[str, Any],
    teacher: SeSAMEncoderDecoder | None = None,
    enrich_threshold: float | Sequence[float] = 0.95,
    scale: ValidationResize | None = None,
    origin: dict[str, Any] | None = None,
    process_group: Any = None,
) -> RoundSummary:
    """Makes and publishes a round of pseudo-labels, on all ranks together.

    A round that is there and whole, of the same settings, labels and
    teacher, is taken over; what an interrupted run has made of it is kept.

    Args:
        round_index: number of the round.
        generator: makes each pseudo-label.
        images: of the training set.
        store: where the round is published.
        settings: from `describe`, kept in the manifest.
        teacher: model that is asked, in evaluation mode; None for the
            round from weak labels alone.
        enrich_threshold: least probability with which a prediction joins
            the weak label.
        scale: at which the teacher is shown images; by default as they are.
        origin: what else the manifest says of the round, as JSON values:
            iteration and work_dir of a training.
        process_group: for exchanging results; its time-out has to exceed
            the time that a round takes.

    Returns:
        The summary over all ranks.

    Raises:
        RoundError: the round failed on some rank. Nothing is published.
    """
    scale = scale or ValidationResize()
    try:
        identity = on_main_rank(
            lambda: _identity(
                store, settings, enrich_threshold, scale, teacher
            ),
            process_group,
        )
        work = _Round(
            round_index,
            generator,
            images,
            store,
            teacher and TeacherOpinion.asker(teacher, scale),
            enrich_threshold,
            identity,
            process_group,
        )
        return work.run(origin or {})
    except Exception as error:
        raise RoundError(
            f'Round {round_index} of pseudo-labels was not made and nothing '
            f'is published ({type(error).__name__}: {error}); earlier rounds '
            'stay, and so does what was made of this one: remove the cause '
            'and start again, a training with --resume.'
        ) from error


def _identity(
    store: PseudoLabelStore,
    settings: dict[str, Any],
    enrich_threshold: float | Sequence[float],
    scale: ValidationResize,
    teacher: SeSAMEncoderDecoder | None,
) -> dict[str, Any]:
    """All that a round depends on, as JSON values."""
    identity: dict[str, Any] = dict(settings=settings)
    if teacher is not None:
        identity['enrich_threshold'] = np.asarray(enrich_threshold).tolist()
        identity['scale'] = as_json(scale.steps)
        identity['teacher'] = weights_digest(teacher)
        identity['judgement'] = [
            teacher.teacher_mode,
            teacher.confident_threshold,
            teacher.agreement,
            teacher.only_weak_classes,
        ]
        first = store.manifest(0)
        if first is None:
            raise FileNotFoundError(
                f'{store.folder(0)} holds no complete round of pseudo-labels'
            )
        # What people drew tells it; predictions would only blur it.
        identity['doubt'] = first['doubt']
    return identity


class _Round(NamedTuple):
    """One rank's part of a round; see `make_round`."""

    index: int
    generator: PseudoLabelGenerator
    images: TrainingImages
    store: PseudoLabelStore
    ask_teacher: Callable[[dict], TeacherOpinion] | None
    enrich_threshold: float | Sequence[float]
    identity: dict[str, Any]
    process_group: Any

    def run(self, origin: dict[str, Any]) -> RoundSummary:
        """Takes the round over, or makes and publishes it."""
        logger = MMLogger.get_current_instance()
        start = time.time()
        if on_main_rank(self._take_over, self.process_group):
            logger.info(
                f'Pseudo-labels: round {self.index} is taken over from '
                f'{self.store.folder(self.index)}.'
            )
            manifest = self.store.manifest(self.index)
            return RoundSummary(**manifest['summary'])
        doubt = self._learn_doubt()
        # Before any rank adds to the notes.
        missing = on_main_rank(self._missing, self.process_group)
        on_all_ranks(
            lambda: self._make_share(missing, doubt), self.process_group
        )
        total = on_all_ranks(self._add_up, self.process_group)[0]
        manifest = dict(
            round=self.index,
            **origin,
            identity=self.identity,
            settings_sha256=settings_digest(self.identity['settings']),
            summary=total._asdict(),
            doubt=doubt.to_json(),
            versions=dict(
                mmseg_sesam=__version__,
                **{
                    name: str(import_module(name).__version__)
                    for name in _LIBRARIES
                },
            ),
        )
        on_main_rank(
            lambda: self.store.commit(self.index, manifest),
            self.process_group,
        )
        logger.info(
            f'Pseudo-labels, round {self.index}: {total}, {len(missing)} of '
            f'them made in {time.time() - start:.1f} s'
        )
        return total

    def _take_over(self) -> bool:
        """Publishes a round that is there and whole, or begins to stage."""
        manifest = self.store.manifest(self.index) or {}
        if manifest.get('identity') == self.identity:
            wrong = self.store.damaged(self.index)
            if not wrong:
                self.store.publish(self.index)
                return True
            reason = f'{len(wrong)} of its files are damaged or missing, such '
            reason += f'as {wrong[0]}'
        elif not self.index and 'identity' in manifest:
            before = manifest['identity'].get('settings')
            reason = changes(before, self.identity['settings'])
        else:
            reason = ''
        if reason:
            MMLogger.get_current_instance().warning(
                f'Pseudo-labels: round {self.index} in '
                f'{self.store.folder(self.index)} is made anew: {reason}.'
            )
        self.store.begin(self.index, self.identity)
        self._check_space()
        return False

    def _check_space(self) -> None:
        """Refuses to begin what the disk cannot hold."""
        need = self.store.size(self.index - 1) if self.index else 0
        if not need:
            pixels = sum(fact.pixels for fact in self.images.facts)
            need = int(BYTES_PER_PIXEL * pixels)
        need -= self.store.size(self.index)
        free = shutil.disk_usage(self.store.root).free
        if free < need:
            raise OSError(
                f'{self.store.root} has {free / 2**20:.0f} MiB left on its '
                f'disk, and the round takes about {need / 2**20:.0f} MiB'
            )

    def _learn_doubt(self) -> ExpansionPrior:
        if self.ask_teacher is not None:
            return ExpansionPrior.from_json(self.identity['doubt'])
        counts = on_all_ranks(self._count_growth, self.process_group)
        return ExpansionPrior.fit(np.sum(counts, axis=0))

    def _count_growth(self) -> np.ndarray:
        """Counts masks by growth, on some images from all over the set.

        Together the ranks see the same images, however many they are.
        """
        total = len(self.images.facts)
        number = min(CALIBRATION_IMAGES, total)
        places = np.linspace(0, total - 1, number).round().astype(int)
        rank, world_size = dist.get_dist_info()
        counts = ExpansionPrior.no_counts()
        batches = Progress(
            self.images.loader(places[rank::world_size].tolist()),
            desc='growth of masks',
            delay=2,
            disable=not dist.is_main_process(),
        )
        for batch in batches:
            sample = self._read(batch)
            counts += self.generator.count_expansions(
                sample.image, sample.label, sample.drawn
            )
        return counts

    def _missing(self) -> list[int]:
        """Places of the images that no interrupted run has staged."""
        done = self.store.journal(self.index).read()
        facts = self.images.facts
        return [p for p, fact in enumerate(facts) if fact.key not in done]

    def _make_share(self, missing: list[int], doubt: ExpansionPrior) -> None:
        """Makes and stages this rank's share of what is missing."""
        share = self.images.share(missing)
        self.generator.segmenter.expect(len(share))
        made = overlap(
            partial(self._make_one, doubt, self._keeps_masks()),
            map(self._read, self.images.loader(share)),
            self.generator.segmenter.images_at_once,
        )
        for _ in Progress(
            made,
            desc=f'pseudo-labels, round {self.index}',
            total=len(share),
            disable=not dist.is_main_process(),
        ):
            pass

    def _add_up(self) -> RoundSummary:
        """Sums the counts of all images, once every rank has made its own.

        Raises:
            FileNotFoundError: the notes of some image are not there.
        """
        notes = self.store.journal(self.index).read()
        for fact in self.images.facts:
            if fact.key not in notes:
                raise FileNotFoundError(
                    f'{self.store.staging(self.index)} holds nothing of '
                    f'{fact.path}; all ranks must see one work dir, on a '
                    'file system that they share.'
                )
        return RoundSummary().plus(*(n['counts'] for n in notes.values()))

    def _keeps_masks(self) -> bool:
        """Whether the round before was made with the same settings.

        Masks that other settings gave are of no use.
        """
        earlier = self.store.manifest(self.index - 1) if self.index else None
        return bool(earlier) and (
            earlier['identity']['settings'] == self.identity['settings']
        )

    def _read(self, batch: dict) -> Sample:
        opinion = self.ask_teacher(batch) if self.ask_teacher else None
        return Sample.of_batch(
            batch, opinion, self.enrich_threshold, self.generator.ignore_index
        )

    def _make_one(
        self, doubt: ExpansionPrior, keeps: bool, sample: Sample
    ) -> None:
        """Makes and stages the pseudo-label of an image."""
        key = sample_key(sample.path, self.images.data_root)
        kept = self.store.masks(self.index - 1, key) if keeps else None
        made = self.generator(
            sample.image, sample.label, sample.drawn, doubt, kept
        )
        maps = {LABELS: made.label}
        if sample.opinion is not None:
            maps[CONFIDENT], agreed = sample.opinion.judge(made.label)
            maps[LABELS] = np.where(sample.drawn, sample.weak, agreed)
        labelled = maps[LABELS] != self.generator.ignore_index
        counts = RoundSummary(
            images=1,
            unlabelled_images=int(not sample.drawn.any()),
            components=len(made.records),
            fell_back=sum(record.fell_back for record in made.records),
            pixels=labelled.size,
            weak_pixels=int(np.count_nonzero(sample.drawn)),
            labelled_pixels=int(np.count_nonzero(labelled)),
        )
        self.store.stage(
            self.index,
            key,
            maps,
            [record._asdict() for record in made.records],
            made.masks,
            counts,
            getattr(self.images.dataset, 'metainfo', {}).get('palette'),
        )
