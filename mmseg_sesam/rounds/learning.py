"""Learns from weak labels alone, before round 0 is made."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, TypeVar

import numpy as np
from mmengine import dist

from mmseg_sesam.core.appearance import AppearanceModel, collect_samples
from mmseg_sesam.core.expansion import ExpansionPrior
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.rounds.distributed import on_all_ranks, on_main_rank
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.structures import DENSE, NO_LABEL

# Images from which each is learned, spread over the set (our choice).
APPEARANCE_IMAGES, EXPANSION_IMAGES = 256, 48

# Attributes of an appearance model that are arrays.
_ARRAYS = ('mean', 'scale', 'weights')

Sample = TypeVar('Sample')
Read = Callable[[dict], Sample]


def learn_appearance(
    images: TrainingImages, read: Read, group: Any = None
) -> AppearanceModel | None:
    """Returns the appearance of the classes, the same on all ranks.

    Args:
        images: images of the training set.
        read: returns the `Sample` of a batch.
        group: process group of the ranks.
    """

    def collect() -> list:
        places = _spread(images, APPEARANCE_IMAGES)
        samples = _read_share(images, read, places, 'appearance of classes')
        ignored = images.ignore_index
        return [collect_samples(s.image, s.weak, ignored) for s in samples]

    shares = on_all_ranks(collect, group)
    # In the order of the images, whatever the number of ranks.
    longest = max(map(len, shares))
    ordered = [s[i] for i in range(longest) for s in shares if i < len(s)]
    return on_main_rank(lambda: AppearanceModel.fit(ordered), group)


def learn_prior(
    images: TrainingImages,
    read: Read,
    count: Callable[[Sample], np.ndarray],
    group: Any = None,
) -> ExpansionPrior:
    """Returns the share of masks that conflict, the same on all ranks.

    Args:
        images: images of the training set.
        read: returns the `Sample` of a batch.
        count: counts the masks of a sample by expansion.
        group: process group of the ranks.
    """

    def count_share() -> np.ndarray:
        places = _spread(images, EXPANSION_IMAGES)
        samples = _read_share(images, read, places, 'expansion of masks')
        return sum(map(count, samples), ExpansionPrior.no_counts())

    counts = on_all_ranks(count_share, group)
    return ExpansionPrior.fit(np.sum(counts, axis=0))


def save_learned(
    path: Path, appearance: AppearanceModel | None, prior: ExpansionPrior
) -> None:
    """Writes what was learned, for a run that continues this round.

    Learning it again takes time, and another number of ranks may give other
    last bits.
    """
    arrays = dict(rejected=prior.rejected)
    if appearance is not None:
        arrays['temperature'] = np.float64(appearance.temperature)
        arrays.update({n: getattr(appearance, n) for n in _ARRAYS})
    with replacing(path) as part, part.open('wb') as file:
        np.savez(file, **arrays)


def load_learned(
    path: Path,
) -> tuple[AppearanceModel | None, ExpansionPrior] | None:
    """Returns what `save_learned` wrote, None if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        prior = ExpansionPrior(arrays['rejected'])
        if 'temperature' not in arrays:
            return None, prior
        fitted = [arrays[name] for name in _ARRAYS]
        temperature = float(arrays['temperature'])
        return AppearanceModel(*fitted, temperature), prior
    except (
        *(OSError, EOFError, KeyError, ValueError, NotImplementedError),
        *(zipfile.BadZipFile, zlib.error),
    ):
        return None


def _spread(images: TrainingImages, number: int) -> list[int]:
    """Returns places of weakly labelled images from all over the set.

    Dense labels need no segmenter: what is learned serves weak ones.
    """
    weak = [
        place
        for place in images.places().values()
        if images.facts[place].kind not in (DENSE, NO_LABEL)
    ]
    number = min(number, len(weak))
    chosen = np.linspace(0, len(weak) - 1, number).round().astype(int)
    return [weak[index] for index in chosen]


def _read_share(
    images: TrainingImages, read: Read, places: list[int], title: str
) -> Iterator[Sample]:
    """Yields this rank's share of the samples at places of the set.

    Together the ranks read the same images, whatever their number.
    """
    rank, world_size = dist.get_dist_info()
    share = places[rank::world_size]
    batches = Progress(
        images.load(share),
        desc=title,
        total=len(share),
        delay=2,
        disable=not dist.is_main_process(),
    )
    return map(read, batches)
