"""The images of a training set that a round labels."""

from __future__ import annotations

import copy
import hashlib
import heapq
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine import dist
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from skimage.measure import label as find_regions
from torch.utils.data import DataLoader, Dataset

from mmseg_sesam.datasets.pipeline_configs import (
    common_data_root,
    loading_dataset,
)
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.io.images import open_image, pixel_format
from mmseg_sesam.io.names import check_unique, printable, sample_key
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.rounds.distributed import on_all_ranks

# Bytes of an image file that are read to see whether it changed; reading all
# of it takes longer (our choice).
_HEAD = 1 << 16
# Encoding an image takes as long as this many components (our choice).
_ENCODING = 16


class ImageFacts(NamedTuple):
    """Facts about an image before a round is made.

    Attributes:
        key: name of the image, see `sample_key`.
        path: path of the image.
        sha256: digest of key, weak label, and the image's size and head.
        pixels: pixels of the weak label, 0 if that cannot be read.
        components: components of the weak label, to estimate the time that
            the image takes; 0 on a single rank.
    """

    key: str
    path: str
    sha256: str
    pixels: int
    components: int


class TrainingImages:
    """All images of a training data set, each whole and once.

    All ranks build it together: each reads a part of the files.

    Args:
        config: config of the training data set.
        num_workers: processes that load images.
        ignore_index: the value of unlabelled pixels.
        process_group: all ranks.

    Raises:
        FileNotFoundError: an image or weak label is missing or empty.
        ValueError: two images would have one name, or an image cannot be
            shown to a segmenter.
        RuntimeError: another rank failed.
    """

    def __init__(
        self,
        config: dict,
        num_workers: int = 2,
        ignore_index: int = 255,
        process_group: Any = None,
    ) -> None:
        self.config = loading_dataset(config)
        # Building may take options out of a config.
        self.dataset: Dataset = DATASETS.build(copy.deepcopy(self.config))
        self.data_root = common_data_root(self.config)
        self.num_workers = num_workers
        self.ignore_index = ignore_index
        rank, world_size = dist.get_dist_info()
        places = range(len(self.dataset))
        parts = on_all_ranks(
            lambda: self._look_at(places[rank::world_size]), process_group
        )
        self.facts: list[ImageFacts] = [
            parts[place % world_size][place // world_size] for place in places
        ]
        check_unique(
            ((fact.key, fact.path) for fact in self.facts),
            'differ in their suffix alone, so that their pseudo-labels would '
            'have one name',
        )

    def loader(self, places: Sequence[int]) -> DataLoader:
        """Returns a loader of single images, by their places in the set."""
        return Runner.build_dataloader(
            dict(
                batch_size=1,
                num_workers=self.num_workers if places else 0,
                sampler=list(places),
                dataset=self.dataset,
            )
        )

    def share(self, places: Sequence[int]) -> list[int]:
        """Returns this rank's share of places; all take a similar time."""
        rank, world_size = dist.get_dist_info()
        costs = [_ENCODING + self.facts[p].components for p in places]
        return [places[i] for i in share_out(costs, world_size)[rank]]

    def _look_at(self, places: Sequence[int]) -> list[ImageFacts]:
        """Returns facts about images after loading one of each kind."""
        hidden = dist.get_rank() > 0
        bar = Progress(
            places, desc='reading weak labels', delay=2, disable=hidden
        )
        facts = list(map(self._look, bar))
        kinds = [pixel_format(fact.path) for fact in facts]
        for kind in dict.fromkeys(kinds):
            # A kind that cannot be loaded is refused before the round.
            packed = self.dataset[places[kinds.index(kind)]]
            rgb_view(packed['inputs'], packed['data_samples'].img_path)
        return facts

    def _look(self, place: int) -> ImageFacts:
        info = self.dataset.get_data_info(place)
        label, image = Path(info['seg_map_path']), Path(info['img_path'])
        if not label.is_file():
            raise FileNotFoundError(
                f'The weak label {printable(label)} of {printable(image)} is '
                'missing; add it, or take its image out of the list of '
                'training images.'
            )
        if not image.is_file() or not image.stat().st_size:
            raise FileNotFoundError(
                f'The training image {printable(image)} is missing or empty; '
                'add it, or take it out of the list of training images.'
            )
        key = sample_key(info['img_path'], self.data_root)
        digest = hashlib.sha256(os.fsencode(key))
        digest.update(label.read_bytes())
        digest.update(str(image.stat().st_size).encode())
        with image.open('rb') as file:
            digest.update(file.read(_HEAD))
        return ImageFacts(
            key, str(image), digest.hexdigest(), *self._measure(label)
        )

    def _measure(self, path: Path) -> tuple[int, int]:
        """Returns the numbers of pixels and components of a weak label."""
        try:
            with open_image(path) as image:
                pixels = image.width * image.height
                # A single rank shares nothing out.
                if dist.get_world_size() == 1:
                    return pixels, 0
                ids = np.asarray(image)
        except (OSError, SyntaxError, ValueError):
            # Loading the label raises an error with the reason.
            return 0, 0
        regions = find_regions(ids, background=self.ignore_index)
        return pixels, int(regions.max())


def share_out(costs: Sequence[float], number: int) -> list[list[int]]:
    """Shares out work so that all shares have a similar cost.

    The most expensive piece goes first, to the cheapest share so far.

    Returns:
        For each share the ascending indices of its pieces.

    Example:
        >>> share_out([5, 1, 1, 3], number=2)
        [[0], [1, 2, 3]]
    """
    shares: list[list[int]] = [[] for _ in range(number)]
    totals = [(0.0, share) for share in range(number)]
    for index in sorted(range(len(costs)), key=lambda i: (-costs[i], i)):
        total, share = heapq.heappop(totals)
        shares[share].append(index)
        heapq.heappush(totals, (total + costs[index], share))
    return [sorted(share) for share in shares]
