"""Learns from weak labels alone, before round 0 is made.

Dense labels need no segmenter: what is learned serves weak ones.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Callable

import numpy as np

from mmseg_sesam.core.appearance import AppearanceModel, collect_samples
from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.rounds.distributed import (
    interleave,
    on_all_ranks,
    on_main_rank,
)
from mmseg_sesam.rounds.label_image import Sample
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.structures import DENSE, NO_LABEL

# Images from which each is learned, spread over the set (our choice).
APPEARANCE_IMAGES, PRIOR_IMAGES = 256, 48

# Attributes of an appearance model that are arrays.
_ARRAYS = ('mean', 'scale', 'weights')

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
        places = images.spread(APPEARANCE_IMAGES, leave_out=(DENSE, NO_LABEL))
        batches = images.load_part(places, 'appearance of classes')
        return [
            collect_samples(sample.image, sample.weak)
            for sample in map(read, batches)
        ]

    # In the order of the images, whatever the number of ranks.
    samples = interleave(on_all_ranks(collect, group))
    return on_main_rank(lambda: AppearanceModel.fit(samples), group)


def learn_prior(
    images: TrainingImages,
    read: Read,
    count: Callable[[Sample], np.ndarray],
    group: Any = None,
) -> ConflictPrior:
    """Returns the conflict prior, the same on all ranks.

    Args:
        images: images of the training set.
        read: returns the `Sample` of a batch.
        count: counts the masks of a sample, see `count_masks`.
        group: process group of the ranks.
    """

    def count_share() -> np.ndarray:
        places = images.spread(PRIOR_IMAGES, leave_out=(DENSE, NO_LABEL))
        batches = images.load_part(places, 'conflicts of masks')
        samples = map(read, batches)
        return sum(map(count, samples), ConflictPrior.no_counts())

    counts = on_all_ranks(count_share, group)
    return ConflictPrior.fit(np.sum(counts, axis=0))


def save_learned(
    path: Path, appearance: AppearanceModel | None, prior: ConflictPrior
) -> None:
    """Writes what was learned, for a run that continues this round.

    Learning it again takes time, and another number of ranks may give other
    last bits.
    """
    arrays = dict(shares=prior.shares, score_odds=prior.score_odds)
    if appearance is not None:
        arrays['temperature'] = np.float64(appearance.temperature)
        arrays.update({n: getattr(appearance, n) for n in _ARRAYS})
    with replacing(path) as part, part.open('wb') as file:
        np.savez(file, **arrays)


def load_learned(
    path: Path,
) -> tuple[AppearanceModel | None, ConflictPrior] | None:
    """Returns what `save_learned` wrote, None if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        prior = ConflictPrior(arrays['shares'], arrays['score_odds'])
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
