"""Makes one round: all images of a data set -> published pseudo-labels."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from mmengine import dist
from mmengine.logging import MMLogger

from mmseg_sesam.core.expansion import ExpansionPrior
from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.io.names import sample_key
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds.distributed import on_all_ranks, on_main_rank
from mmseg_sesam.rounds.provenance import as_json, diff, settings_digest
from mmseg_sesam.rounds.sample import Sample
from mmseg_sesam.rounds.summary import RoundSummary
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.rounds.threaded_map import threaded_map
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import CONFIDENT, LABELS, PseudoLabelStore
from mmseg_sesam.version import __version__

# Images on which expansions are counted, spread over the set (our choice).
CALIBRATION_IMAGES = 48
# Bytes that round 0 is expected to take for each pixel (our choice); later
# rounds are expected to take as much as the one before.
BYTES_PER_PIXEL = 0.2
# Modules know their versions; distributions have other names for onedl.
_LIBRARIES = ('torch', 'numpy', 'skimage', 'PIL', 'mmengine')


class RoundError(RuntimeError):
    """A round of pseudo-labels could not be made."""


def make_round(
    round_index: int,
    generator: PseudoLabelGenerator,
    images: TrainingImages,
    store: PseudoLabelStore,
    settings: dict[str, Any],
    teacher: SeSAMEncoderDecoder | None = None,
    enrich_threshold: float | Sequence[float] = 0.95,
    scale: ValidationResize | None = None,
    iteration: int = 0,
    process_group: Any = None,
) -> RoundSummary:
    """Makes and publishes a round of pseudo-labels, on all ranks together.

    A round of the same settings, labels and teacher is taken over if it is
    there and whole; images that an interrupted run has staged are kept.

    Args:
        round_index: number of the round.
        generator: makes each pseudo-label.
        images: of the training set.
        store: where the round is published.
        settings: from `provenance.fingerprint`, kept in the manifest.
        teacher: model in evaluation mode; None for round 0.
        enrich_threshold: least probability with which a prediction joins
            the weak label.
        scale: at which the teacher is shown images; by default their own.
        iteration: of the training, kept in the manifest.
        process_group: for exchanging results; its time-out has to exceed
            the time that a round takes.

    Returns:
        The summary over all ranks.

    Raises:
        RoundError: the round failed on some rank. Nothing is published.
    """
    predictor = None
    if teacher is not None:
        predictor = TeacherPredictor(teacher, scale or ValidationResize())
    try:
        identity = on_main_rank(
            lambda: _identify(store, settings, enrich_threshold, predictor),
            process_group,
        )
        work = _Round(
            round_index,
            generator,
            images,
            store,
            predictor,
            enrich_threshold,
            identity,
            process_group,
        )
        return work.run(iteration)
    except Exception as error:
        raise RoundError(
            f'Round {round_index} of pseudo-labels was not made and nothing '
            f'is published ({type(error).__name__}: {error}); earlier rounds '
            'and the images that were made stay: remove the cause and start '
            'again, a training with --resume.'
        ) from error


def _identify(
    store: PseudoLabelStore,
    settings: dict[str, Any],
    enrich_threshold: float | Sequence[float],
    teacher: TeacherPredictor | None,
) -> dict[str, Any]:
    """Returns all that a round depends on, as JSON values."""
    if teacher is None:
        return dict(settings=settings)
    first = store.manifest(0)
    if first is None:
        raise FileNotFoundError(
            f'{store.folder(0)} holds no complete round of pseudo-labels'
        )
    return dict(
        settings=settings,
        enrich_threshold=np.asarray(enrich_threshold).tolist(),
        scale=as_json(teacher.scale.steps),
        teacher=teacher.digest(),
        thresholds=as_json(teacher.thresholds),
        # Weak labels alone give the prior; predictions would blur it.
        prior=first['prior'],
    )


class _Round(NamedTuple):
    """One rank's part of a round; see `make_round`."""

    index: int
    generator: PseudoLabelGenerator
    images: TrainingImages
    store: PseudoLabelStore
    teacher: TeacherPredictor | None
    enrich_threshold: float | Sequence[float]
    identity: dict[str, Any]
    process_group: Any

    def run(self, iteration: int) -> RoundSummary:
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
        prior = self._fit_prior()
        missing = on_main_rank(self._find_missing, self.process_group)
        on_all_ranks(
            lambda: self._make_share(missing, prior), self.process_group
        )
        summary = on_main_rank(
            lambda: self._publish(prior, iteration), self.process_group
        )
        logger.info(
            f'Pseudo-labels, round {self.index}: {summary}, {len(missing)} '
            f'of them made in {time.time() - start:.1f} s'
        )
        return summary

    def _take_over(self) -> bool:
        """Publishes a round that is there and whole, or begins to stage."""
        manifest = self.store.manifest(self.index) or {}
        reason = ''
        if manifest.get('identity') == self.identity:
            wrong = self.store.damaged(self.index)
            if not wrong:
                self.store.publish(self.index)
                return True
            reason = f'{len(wrong)} of its files are damaged or missing, such '
            reason += f'as {wrong[0]}'
        elif not self.index and manifest:
            before = self.store.settings(0)
            reason = before and diff(before, self.identity['settings'])
        if reason:
            MMLogger.get_current_instance().warning(
                f'Pseudo-labels: round {self.index} in '
                f'{self.store.folder(self.index)} is made again: {reason}.'
            )
        self.store.begin(self.index, self.identity)
        self._check_space()
        return False

    def _check_space(self) -> None:
        """Raises if the disk cannot hold the round."""
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

    def _fit_prior(self) -> ExpansionPrior:
        """Returns round 0's prior, counted on weak labels in round 0."""
        if self.teacher is not None:
            return ExpansionPrior.from_json(self.identity['prior'])
        counts = on_all_ranks(self._count_expansions, self.process_group)
        return ExpansionPrior.fit(np.sum(counts, axis=0))

    def _count_expansions(self) -> np.ndarray:
        """Counts masks by expansion, on images from all over the set.

        Together the ranks count on the same images, whatever their number.
        """
        total = len(self.images.facts)
        number = min(CALIBRATION_IMAGES, total)
        places = np.linspace(0, total - 1, number).round().astype(int)
        rank, world_size = dist.get_dist_info()
        counts = ExpansionPrior.no_counts()
        batches = Progress(
            self.images.loader(places[rank::world_size].tolist()),
            desc='expansion of masks',
            delay=2,
            disable=not dist.is_main_process(),
        )
        for batch in batches:
            sample = self._read(batch)
            counts += self.generator.count_expansions(
                sample.image, sample.label, sample.from_person
            )
        return counts

    def _find_missing(self) -> list[int]:
        """Returns places of the images that no interrupted run has staged."""
        done = self.store.staged(self.index)
        facts = self.images.facts
        return [p for p, fact in enumerate(facts) if fact.key not in done]

    def _make_share(self, missing: list[int], prior: ExpansionPrior) -> None:
        """Makes and stages this rank's share of the missing images."""
        share = self.images.share(missing)
        self.generator.segmenter.expect(len(share))
        made = threaded_map(
            partial(self._make_one, prior),
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

    def _read(self, batch: dict) -> Sample:
        return Sample.of_batch(
            batch,
            self.teacher,
            self.enrich_threshold,
            self.generator.ignore_index,
        )

    def _make_one(self, prior: ExpansionPrior, sample: Sample) -> None:
        """Makes and stages the pseudo-label of an image."""
        made = self.generator(
            sample.image, sample.label, sample.from_person, prior
        )
        maps = {LABELS: made.label}
        if sample.prediction is not None:
            maps[CONFIDENT], agreeing = sample.prediction.split(made.label)
            maps[LABELS] = np.where(sample.from_person, sample.weak, agreeing)
        labelled = maps[LABELS] != self.generator.ignore_index
        counts = RoundSummary(
            images=1,
            unlabelled_images=int(not sample.from_person.any()),
            components=len(made.records),
            fell_back=sum(record.fell_back for record in made.records),
            pixels=labelled.size,
            weak_pixels=int(np.count_nonzero(sample.from_person)),
            labelled_pixels=int(np.count_nonzero(labelled)),
        )
        self.store.stage(
            self.index,
            sample_key(sample.path, self.images.data_root),
            maps,
            [record._asdict() for record in made.records],
            counts,
            getattr(self.images.dataset, 'metainfo', {}).get('palette'),
        )

    def _publish(self, prior: ExpansionPrior, iteration: int) -> RoundSummary:
        """Publishes the round, once every rank has staged its images.

        Raises:
            OSError: the files of an image are missing or damaged.
        """
        records = self.store.staged(self.index)
        for fact in self.images.facts:
            if fact.key not in records:
                raise OSError(
                    f'{self.store.staging(self.index)} lacks files of '
                    f'{fact.path}, or they differ from what was written; all '
                    'ranks must see one work dir, on a disk without errors'
                )
        counts = [records[fact.key]['counts'] for fact in self.images.facts]
        summary = RoundSummary().plus(*counts)
        versions = {
            name: str(import_module(name).__version__) for name in _LIBRARIES
        }
        manifest = dict(
            round=self.index,
            iteration=iteration,
            identity=self.identity,
            settings_sha256=settings_digest(self.identity['settings']),
            summary=summary._asdict(),
            prior=prior.to_json(),
            versions=dict(mmseg_sesam=__version__, **versions),
        )
        self.store.commit(self.index, manifest)
        return summary
