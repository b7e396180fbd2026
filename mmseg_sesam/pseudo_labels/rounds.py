"""Making one round: all images of a data set -> published pseudo-labels."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np
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

from .generator import PseudoLabel, PseudoLabelGenerator
from .sample import Sample
from .store import CONFIDENT, LABELS, PseudoLabelStore, sample_key
from .teacher import TeacherOpinion

# Images from which it is learned how far masks of each class may grow.
CALIBRATION_IMAGES = 48
# To be raised whenever the same settings come to give another round 0.
FORMAT = 2


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

    def plus(self, other: Sequence[int]) -> RoundSummary:
        """Adds the counts of further images."""
        return RoundSummary(*(int(a + b) for a, b in zip(self, other)))

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
    ask_teacher: Callable[[dict], TeacherOpinion] | None = None,
    tau: float | Sequence[float] = 0.95,
    process_group: Any = None,
) -> RoundSummary:
    """Makes and publishes a round of pseudo-labels, on all ranks together.

    Args:
        round_index: number of the round.
        generator: makes each pseudo-label.
        loader: from `build_loader`.
        store: where the round is published.
        data_root: the folder to which images are named relative.
        settings: from `describe`, kept in the manifest.
        ask_teacher: gives the opinion on a batch of the loader; None for
            the round from weak labels alone.
        tau: least probability with which a prediction joins the weak label.
        process_group: for exchanging results; its time-out has to exceed
            the time that a round takes.

    Returns:
        The summary over all ranks.

    Raises:
        RuntimeError: the round failed on some rank. Nothing is published.
    """
    logger = MMLogger.get_current_instance()
    start = time.time()
    if dist.is_main_process():
        store.begin(round_index)
    dist.barrier(process_group)
    work = _Round(
        round_index, generator, loader, store, data_root, ask_teacher, tau
    )
    if round_index == 0:
        counts = _on_all_ranks(work.count_growth, 0, process_group)
        doubt = GrowthDoubt.fit(np.sum(counts, axis=0))
    else:
        # What people drew tells it; predictions would only blur it.
        manifest = store.manifest(store.current)
        doubt = GrowthDoubt.from_json(manifest['doubt'])
    parts = _on_all_ranks(
        partial(work.make, doubt), round_index, process_group
    )
    total = reduce(RoundSummary.plus, parts, RoundSummary())
    if dist.is_main_process():
        manifest = dict(
            round=round_index,
            settings=settings,
            summary=total._asdict(),
            doubt=doubt.to_json(),
        )
        store.commit(round_index, manifest)
    dist.barrier(process_group)
    logger.info(
        f'Pseudo-labels, round {round_index}: {total}, '
        f'{time.time() - start:.1f} s'
    )
    return total


class _Round(NamedTuple):
    """One rank's part of a round; see `make_round`."""

    index: int
    generator: PseudoLabelGenerator
    loader: DataLoader
    store: PseudoLabelStore
    data_root: str
    ask_teacher: Callable[[dict], TeacherOpinion] | None
    tau: float | Sequence[float]

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

    def make(self, doubt: GrowthDoubt) -> RoundSummary:
        """Makes and stages the pseudo-labels of this rank's images."""
        summary = RoundSummary()
        self.generator.segmenter.expect(len(self.loader))
        for batch in tqdm(
            self.loader,
            desc=f'pseudo-labels, round {self.index}',
            disable=not dist.is_main_process(),
        ):
            sample = self._read(batch)
            key = sample_key(sample.path, self.data_root)
            made = self.generator(
                sample.image,
                sample.label,
                sample.drawn,
                doubt,
                self.store.masks(self.index - 1, key) if self.index else None,
            )
            label = self._stage(key, sample, made)
            labelled = np.count_nonzero(label != self.generator.ignore_index)
            summary = summary.plus(_count(sample, made, labelled))
        return summary

    def _read(self, batch: dict) -> Sample:
        opinion = self.ask_teacher(batch) if self.ask_teacher else None
        return Sample.of_batch(
            batch, opinion, self.tau, self.generator.ignore_index
        )

    def _stage(
        self, key: str, sample: Sample, made: PseudoLabel
    ) -> np.ndarray:
        """Stages what was made of an image; returns the label as staged."""
        palette = _palette(self.loader.dataset)
        stage_map = partial(self.store.stage_map, self.index)
        label = made.label
        if sample.opinion is not None and sample.opinion.is_stored:
            confident, agreed = sample.opinion.judge(label)
            label = np.where(sample.drawn, sample.weak, agreed)
            stage_map(CONFIDENT, key, confident, palette)
        stage_map(LABELS, key, label, palette)
        self.store.stage_records(
            self.index, key, [record._asdict() for record in made.records]
        )
        self.store.stage_masks(self.index, key, made.masks)
        return label


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


def _count(sample: Sample, made: PseudoLabel, labelled: int) -> RoundSummary:
    return RoundSummary(
        images=1,
        unlabelled_images=int(not sample.drawn.any()),
        components=len(made.records),
        fell_back=sum(record.fell_back for record in made.records),
        pixels=sample.weak.size,
        weak_pixels=np.count_nonzero(sample.drawn),
        labelled_pixels=labelled,
    )


def _palette(dataset: Dataset) -> Sequence | None:
    return getattr(dataset, 'metainfo', {}).get('palette')
