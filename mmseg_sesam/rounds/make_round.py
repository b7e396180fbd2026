"""Makes one round: all images of a data set -> published pseudo-labels."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module, metadata
from itertools import chain
from typing import Any

import numpy as np
from mmengine import dist
from mmengine.logging import MMLogger

from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.io.json_values import diff, json_digest
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds.distributed import (
    RankError,
    on_all_ranks,
    on_main_rank,
)
from mmseg_sesam.rounds.label_image import ImageLabeller, Sample
from mmseg_sesam.rounds.learning import (
    learn_appearance,
    learn_prior,
    load_learned,
    save_learned,
)
from mmseg_sesam.rounds.provenance import as_json
from mmseg_sesam.rounds.summary import RoundSummary
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.rounds.threaded_map import threaded_map
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import PseudoLabelStore
from mmseg_sesam.version import __version__

# Bytes that round 0 is expected to take for each pixel (our choice); later
# rounds are expected to take as much as the one before.
_BYTES_PER_PIXEL = 0.2
# Modules know their versions; distributions have other names for onedl.
_LIBRARIES = ('torch', 'numpy', 'skimage', 'PIL', 'mmengine')
# Segmenters resize and encode images with these, where they are installed.
_OF_SEGMENTERS = (
    *('torchvision', 'transformers'),
    *('segment_anything', 'mobile_sam'),
)


class RoundError(RuntimeError):
    """A round was not made; the message names what the user can correct."""


@dataclass
class RoundMaker:
    """Makes and publishes a round, on all ranks together.

    A round of the same settings, labels and teacher is taken over if it is
    there and whole; images that an interrupted run has staged are kept.

    Args:
        index: number of the round.
        generator: makes each pseudo-label.
        images: images of the training set.
        store: store in which the round is published.
        settings: from `provenance.fingerprint`, kept in the manifest.
        teacher: None for round 0.
        iteration: iteration of the training, kept in the manifest.
        group: process group with a time-out that exceeds the time of a
            round.

    Attributes:
        identity: all that the round depends on, as JSON values; set by
            `make`.
    """

    index: int
    generator: PseudoLabelGenerator
    images: TrainingImages
    store: PseudoLabelStore
    settings: dict[str, Any]
    teacher: TeacherPredictor | None = None
    iteration: int = 0
    group: Any = None
    identity: dict[str, Any] = field(init=False, repr=False)

    def make(self) -> RoundSummary:
        """Returns the summary over all ranks.

        Raises:
            RoundError: a file, a value or another rank is the cause.
            RuntimeError: code failed, such as a segmenter's: its traceback
                is needed. In both cases nothing is published.
        """
        try:
            self.identity = on_main_rank(self._identify, self.group)
            return self._take_over_or_make()
        except Exception as error:
            told = isinstance(error, (OSError, RankError, ValueError))
            raise (RoundError if told else RuntimeError)(
                f'Round {self.index} of pseudo-labels was not made and '
                f'nothing is published ({type(error).__name__}: {error}); '
                'earlier rounds and the images that were made stay: remove '
                'the cause and start again, a training with --resume.'
            ) from error

    def _identify(self) -> dict[str, Any]:
        """Returns all that a round depends on, as JSON values."""
        if self.teacher is None:
            return dict(settings=self.settings)
        first = self.store.manifest(0)
        if first is None:
            raise FileNotFoundError(
                f'{self.store.folder(0)} holds no complete round of '
                'pseudo-labels'
            )
        options = dict(
            enrich_threshold=np.asarray(
                self.teacher.enrich_threshold
            ).tolist(),
            validation=self.teacher.prepare.steps,
            inference=self.teacher.inference,
            # Stored rounds hold these options as a list.
            thresholds=[*self.teacher.labelling.values()],
        )
        return dict(
            as_json('The config', options),
            settings=self.settings,
            teacher=self.teacher.digest(),
            # Weak labels alone give the prior; predictions would blur it.
            prior=first['prior'],
        )

    def _take_over_or_make(self) -> RoundSummary:
        logger = MMLogger.get_current_instance()
        start = time.time()
        if self.teacher is not None:
            # Also for a round that is there: training continues with it.
            self.teacher.fit_prior(self.images, self.group)
        if on_main_rank(self._take_over, self.group):
            folder = self.store.folder(self.index)
            logger.info(
                f'Pseudo-labels: round {self.index} is taken over from '
                f'{folder}.'
            )
            summary = self.store.manifest(self.index)['summary']
            return RoundSummary(**summary)
        labeller = self._learn(self._build_labeller())
        missing = on_main_rank(self._find_missing, self.group)
        on_all_ranks(lambda: self._make_share(missing, labeller), self.group)
        summary = on_main_rank(
            lambda: self._publish(labeller.prior), self.group
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
            reason = before and diff(before, self.settings)
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
        if self.index == 1 and self.teacher.stores_labels:
            # Round 0 has no confident labels beside its pseudo-labels.
            need *= 2
        if not need:
            facts, places = self.images.facts, self.images.places()
            pixels = sum(facts[place].pixels for place in places.values())
            need = int(_BYTES_PER_PIXEL * pixels)
        # A published round of this number stays until the new one is done.
        need -= self.store.staged_size(self.index)
        free = shutil.disk_usage(self.store.root).free
        if free < need:
            raise OSError(
                f'{self.store.root} has {free / 2**20:.0f} MiB left on its '
                f'disk, and the round takes about {need / 2**20:.0f} MiB'
            )

    def _build_labeller(self) -> ImageLabeller:
        thresholds = None
        if self.teacher is not None:
            thresholds = self.teacher.class_thresholds(self.images, self.group)
        return ImageLabeller(
            self.generator, self.images.data_root, self.teacher, thresholds
        )

    def _learn(self, labeller: ImageLabeller) -> ImageLabeller:
        """Returns the labeller with the appearance and the prior to use.

        A refresh takes the teacher's evidence in place of the appearance,
        and the prior of round 0. An interrupted round 0 has stored both.
        """
        if self.teacher is not None:
            prior = ConflictPrior.from_json(self.identity['prior'])
            return replace(labeller, prior=prior)
        images, group = self.images, self.group
        path = self.store.learned(self.index)
        learned = on_main_rank(lambda: load_learned(path), group)
        if learned is not None:
            appearance, prior = learned
            return replace(labeller, appearance=appearance, prior=prior)
        appearance = learn_appearance(images, labeller.read, group)
        labeller = replace(labeller, appearance=appearance)
        count = labeller.count_masks
        prior = learn_prior(images, labeller.read, count, group)
        on_main_rank(lambda: save_learned(path, appearance, prior), group)
        return replace(labeller, prior=prior)

    def _find_missing(self) -> list[int]:
        """Returns places of the images that no interrupted run has staged."""
        done = self.store.staged(self.index)
        places = self.images.places()
        return [place for key, place in places.items() if key not in done]

    def _make_share(self, missing: list[int], labeller: ImageLabeller) -> None:
        """Makes and stages this rank's share of the missing images."""
        share = self.images.share(missing)
        large = [place for place in share if self.images.is_large(place)]
        small = [place for place in share if not self.images.is_large(place)]
        made = (
            threaded_map(
                partial(self._make_one, labeller),
                map(labeller.read, self.images.load(places)),
                threads,
            )
            for places, threads in (
                (small, self.generator.segmenter.images_at_once),
                (large, 1),
            )
        )
        for _ in Progress(
            chain.from_iterable(made),
            desc=f'pseudo-labels, round {self.index}',
            total=len(share),
            disable=not dist.is_main_process(),
        ):
            pass

    def _make_one(self, labeller: ImageLabeller, sample: Sample) -> None:
        """Makes and stages the pseudo-label of an image."""
        made = labeller.label(sample)
        self.store.stage(
            self.index,
            sample.key,
            made.maps,
            made.records,
            made.counts,
            getattr(self.images.dataset, 'metainfo', {}).get('palette'),
        )

    def _publish(self, prior: ConflictPrior) -> RoundSummary:
        """Publishes the round, once every rank has staged its images."""
        staged = self.store.staged(self.index)
        for fact in self.images.facts:
            if fact.key not in staged:
                raise OSError(
                    f'{self.store.staging(self.index)} lacks files of '
                    f'{fact.path}, or they differ from what was written; all '
                    'ranks must see one work dir, on a disk without errors'
                )
        counts = {
            fact.key: RoundSummary(*staged[fact.key])
            for fact in self.images.facts
        }
        summary = RoundSummary.total(counts.values())
        kinds = {
            kind: RoundSummary.total(counts[fact.key] for fact in facts)
            for kind, facts in self.images.facts_by_kind().items()
        }
        manifest = dict(
            round=self.index,
            iteration=self.iteration,
            identity=self.identity,
            settings_sha256=json_digest(self.settings),
            summary=summary._asdict(),
            kinds={kind: total._asdict() for kind, total in kinds.items()},
            prior=prior.to_json(),
            versions=_versions(),
        )
        self.store.commit(self.index, manifest)
        return summary


def _versions() -> dict[str, str]:
    """Returns the versions of the libraries that make rounds."""
    versions = {
        name: str(import_module(name).__version__) for name in _LIBRARIES
    }
    for name in _OF_SEGMENTERS:
        # One that nothing has imported was not used.
        if name in sys.modules:
            try:
                # segment_anything has no __version__.
                versions[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                # A folder on PYTHONPATH.
                versions[name] = 'unknown'
    return dict(mmseg_sesam=__version__, **versions)
