"""Making one round: all images of a data set -> published pseudo-labels."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np
import torch
from mmengine import dist
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from mmseg_sesam.core.growth import GrowthDoubt
from mmseg_sesam.datasets.pipelines import (
    iterate_pipelines,
    loading_dataset,
)
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.version import __version__

from .generator import PseudoLabelGenerator
from .sample import Sample
from .store import CONFIDENT, LABELS, PseudoLabelStore, sample_key
from .teacher import TeacherOpinion, weights_digest

# Images from which it is learned how far masks of each class may grow.
CALIBRATION_IMAGES = 48
# To be raised whenever the same settings come to give another round 0.
FORMAT = 3


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


def build_group(timeout_hours: float = 24) -> Any:
    """A group of all ranks that wait long for each other.

    NCCL's ranks give up long before a round is made.

    Args:
        timeout_hours: that they wait.

    Returns:
        The group; None if there is but one process.
    """
    if not dist.is_distributed():
        return None
    timeout = timedelta(hours=timeout_hours)
    return torch.distributed.new_group(backend='gloo', timeout=timeout)


def build_loader(dataset: dict, num_workers: int) -> DataLoader:
    """Builds the loader of a training data set's images, whole and once.

    Args:
        dataset: config of the training data set.
        num_workers: worker processes.

    Returns:
        A loader of single images; ranks get disjoint shares.
    """
    return Runner.build_dataloader(
        dict(
            batch_size=1,
            num_workers=num_workers,
            sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
            dataset=loading_dataset(dataset),
        )
    )


def describe(
    generator: PseudoLabelGenerator,
    config: dict,
    dataset: Dataset,
    data_root: str,
) -> dict[str, Any]:
    """Collects what a round 0 depends on.

    Args:
        generator: that makes it.
        config: of the training data set.
        dataset: of the loader.
        data_root: the folder to which images are named relative.

    Returns:
        Settings as JSON values; two rounds 0 are the same if these are.

    Raises:
        FileNotFoundError: a weak label is missing.
    """
    digest = hashlib.sha256()
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        path = Path(info['seg_map_path'])
        if not path.is_file():
            raise FileNotFoundError(
                f'The weak label {path} of {info["img_path"]} is missing; '
                'add it, or take its image out of the list of training '
                'images.'
            )
        digest.update(sample_key(info['img_path'], data_root).encode())
        digest.update(path.read_bytes())
        # Cheaper than reading all images, and a new one rarely has it.
        digest.update(str(Path(info['img_path']).stat().st_size).encode())
    settings = dict(
        format=FORMAT,
        generator=generator.fingerprint,
        weak_labels=digest.hexdigest(),
        pipelines=list(iterate_pipelines(loading_dataset(config))),
    )
    # As the manifest will give it back.
    return json.loads(json.dumps(settings))


def make_round(
    round_index: int,
    generator: PseudoLabelGenerator,
    loader: DataLoader,
    store: PseudoLabelStore,
    data_root: str,
    settings: dict[str, Any],
    teacher: SeSAMEncoderDecoder | None = None,
    tau: float | Sequence[float] = 0.95,
    iteration: int = 0,
    process_group: Any = None,
) -> RoundSummary:
    """Makes and publishes a round of pseudo-labels, on all ranks together.

    A round that is there and whole, of the same settings, labels and
    teacher, is taken over; what an interrupted run has made of it is kept.

    Args:
        round_index: number of the round.
        generator: makes each pseudo-label.
        loader: from `build_loader`.
        store: where the round is published.
        data_root: the folder to which images are named relative.
        settings: from `describe`, kept in the manifest.
        teacher: model that is asked, in evaluation mode; None for the
            round from weak labels alone.
        tau: least probability with which a prediction joins the weak label.
        iteration: of training after which the round is made.
        process_group: for exchanging results; its time-out has to exceed
            the time that a round takes.

    Returns:
        The summary over all ranks.

    Raises:
        RuntimeError: the round failed on some rank. Nothing is published.
    """
    logger = MMLogger.get_current_instance()
    start = time.time()
    opinions = teacher and TeacherOpinion.asker(teacher)
    identity = _identity(store, settings, tau, teacher)
    if _take_over(store, round_index, identity, process_group):
        logger.info(
            f'Pseudo-labels: round {round_index} is taken over from '
            f'{store.folder(round_index)}.'
        )
        return RoundSummary(**store.manifest(round_index)['summary'])
    earlier = store.manifest(round_index - 1) if round_index else None
    work = _Round(
        round_index,
        generator,
        loader,
        store,
        data_root,
        opinions,
        tau,
        # Masks that other settings gave are of no use.
        bool(earlier) and earlier['identity']['settings'] == settings,
    )
    if teacher is None:
        counts = _on_all_ranks(work.count_growth, round_index, process_group)
        doubt = GrowthDoubt.fit(np.sum(counts, axis=0))
    else:
        # What people drew tells it; predictions would only blur it.
        doubt = GrowthDoubt.from_json(store.manifest(store.current)['doubt'])
    made = _on_all_ranks(partial(work.make, doubt), round_index, process_group)
    parts = _on_all_ranks(work.add_up, round_index, process_group)
    total = parts[0]
    if dist.is_main_process():
        manifest = dict(
            round=round_index,
            iteration=iteration,
            identity=identity,
            summary=total._asdict(),
            doubt=doubt.to_json(),
            version=__version__,
        )
        store.commit(round_index, manifest)
    dist.barrier(process_group)
    logger.info(
        f'Pseudo-labels, round {round_index}: {total}, {sum(made)} of them '
        f'made in {time.time() - start:.1f} s'
    )
    return total


def _identity(
    store: PseudoLabelStore,
    settings: dict[str, Any],
    tau: float | Sequence[float],
    teacher: SeSAMEncoderDecoder | None,
) -> dict[str, Any]:
    """All that a round depends on, as JSON values."""
    identity: dict[str, Any] = dict(settings=settings)
    if teacher is not None:
        identity['tau'] = np.asarray(tau).tolist()
        identity['teacher'] = weights_digest(teacher)
        identity['judgement'] = [
            teacher.teacher_mode,
            teacher.tau,
            teacher.sam_agreement,
            teacher.only_weak_classes,
        ]
        identity['doubt'] = store.manifest(store.current)['doubt']
    return identity


def _take_over(
    store: PseudoLabelStore,
    round_index: int,
    identity: dict[str, Any],
    process_group: Any,
) -> bool:
    """Publishes a round that is there and whole, or begins to stage it."""
    found = [False]
    if dist.is_main_process():
        manifest = store.manifest(round_index)
        found = [
            manifest is not None
            and manifest.get('identity') == identity
            and not store.damaged(round_index)
        ]
        if found[0]:
            store.publish(round_index)
        else:
            store.begin(round_index, identity)
    dist.broadcast_object_list(found, group=process_group)
    return found[0]


class _Round(NamedTuple):
    """One rank's part of a round; see `make_round`."""

    index: int
    generator: PseudoLabelGenerator
    loader: DataLoader
    store: PseudoLabelStore
    data_root: str
    ask_teacher: Callable[[dict], TeacherOpinion] | None
    tau: float | Sequence[float]
    keeps: bool

    def count_growth(self) -> np.ndarray:
        """Counts masks by growth, on some images from all over the set.

        Together the ranks see the same images, however many they are.
        """
        dataset = self.loader.dataset
        number = min(CALIBRATION_IMAGES, len(dataset))
        places = np.linspace(0, len(dataset) - 1, number).round().astype(int)
        rank, world_size = dist.get_dist_info()
        counts = GrowthDoubt.no_counts()
        for place in places[rank::world_size]:
            batch = self.loader.collate_fn([dataset[int(place)]])
            sample = self._read(batch)
            counts += self.generator.count_growth(
                sample.image, sample.label, sample.drawn
            )
        return counts

    def make(self, doubt: GrowthDoubt) -> int:
        """Makes and stages what is missing of this rank's images.

        Returns:
            The number of images made.
        """
        done = self.store.journal(self.index).read()
        self.generator.segmenter.expect(len(self.loader))
        number = 0
        for batch in tqdm(
            self.loader,
            desc=f'pseudo-labels, round {self.index}',
            disable=not dist.is_main_process(),
        ):
            path = batch['data_samples'][0].img_path
            key = sample_key(path, self.data_root)
            if key not in done:
                self._make_one(key, self._read(batch), doubt)
                number += 1
        return number

    def add_up(self) -> RoundSummary:
        """Sums the counts of all images, once every rank has made its own.

        Raises:
            FileNotFoundError: the notes of some image are not there.
        """
        notes = self.store.journal(self.index).read()
        dataset = self.loader.dataset
        for index in range(len(dataset)):
            path = dataset.get_data_info(index)['img_path']
            if sample_key(path, self.data_root) not in notes:
                raise FileNotFoundError(
                    f'{self.store.staging(self.index)} holds nothing of '
                    f'{path}; all ranks must see one pseudo_label_dir, on a '
                    'file system that they share.'
                )
        return RoundSummary().plus(*(n['counts'] for n in notes.values()))

    def _read(self, batch: dict) -> Sample:
        opinion = self.ask_teacher(batch) if self.ask_teacher else None
        return Sample.of_batch(
            batch, opinion, self.tau, self.generator.ignore_index
        )

    def _make_one(self, key: str, sample: Sample, doubt: GrowthDoubt) -> None:
        kept = self.store.masks(self.index - 1, key) if self.keeps else None
        made = self.generator(
            sample.image, sample.label, sample.drawn, doubt, kept
        )
        maps = {LABELS: made.label}
        if sample.opinion is not None and sample.opinion.is_stored:
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
            _palette(self.loader.dataset),
        )


def _on_all_ranks(
    work: Callable[[], Any], round_index: int, process_group: Any
) -> list:
    """Does each rank's part of some work; returns the results of all.

    Raises:
        RuntimeError: some rank failed; all ranks raise it.
    """
    result = error = None
    try:
        result = work()
    except Exception as caught:
        # Other ranks wait for this one: tell them before raising.
        error = caught
    failure = error and f'{type(error).__name__}: {error}'
    results = dist.all_gather_object((result, failure), process_group)
    failures = [text for _, text in results if text]
    if failures:
        raise RuntimeError(
            f'Round {round_index} of pseudo-labels was not made and nothing '
            f'is published: {failures[0]}'
        ) from error
    return [part for part, _ in results]


def _palette(dataset: Dataset) -> Sequence | None:
    return getattr(dataset, 'metainfo', {}).get('palette')
