"""The images of a training set that a round labels."""

from __future__ import annotations

import copy
import hashlib
import heapq
import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine import dist
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from mmseg_sesam.core.components import find_components
from mmseg_sesam.datasets.label_kinds import UNSAID, image_kinds
from mmseg_sesam.datasets.loading import label_path
from mmseg_sesam.datasets.pipeline_configs import (
    common_data_root,
    loading_dataset,
)
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.io.images import image_size, open_image, pixel_format
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.io.names import check_unique, printable, sample_key
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.rounds.distributed import interleave, on_all_ranks
from mmseg_sesam.structures import DENSE, NO_LABEL

# Bytes of an image file that are read to see whether it changed; reading all
# of it takes longer (our choice).
_HEAD = 1 << 16
# Larger images are loaded and labelled one by one, since workers and threads
# would hold several in memory (our choice).
_PIXELS_AHEAD = 2**25
# Encoding an image takes as long as this many components (our choice).
_ENCODING = 16


class ImageFacts(NamedTuple):
    """Facts about an image before a round is made.

    Attributes:
        key: name of the image, see `sample_key`.
        path: path of the image.
        sha256: digest of key, label if there is one, and the image's size
            and head; '' if a label file is missing that is needed.
        size: width and height of the label, of the image if there is no
            label; zeros if it cannot be read.
        components: components of the weak label, to estimate the time that
            the image takes; 0 on a single rank.
        kind: kind of the label, None if the data set does not say it.
    """

    key: str
    path: str
    sha256: str
    size: tuple[int, int]
    components: int
    kind: str | None

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.size[0] * self.size[1]


class TrainingImages:
    """All images of a training data set, each whole.

    All ranks build it together: each reads a part of the files.

    Args:
        config: config of the training data set.
        num_workers: processes that load images.
        group: all ranks.

    Raises:
        FileNotFoundError: an image is missing or empty, or label files are
            missing.
        ValueError: two images would have one name, an image has two labels,
            or it cannot be shown to a segmenter.
        RuntimeError: another rank failed.
    """

    def __init__(
        self, config: dict, num_workers: int = 2, group: Any = None
    ) -> None:
        self.config = loading_dataset(config)
        # Building may take options out of a config.
        self.dataset: Dataset = DATASETS.build(copy.deepcopy(self.config))
        self.data_root = common_data_root(self.dataset)
        self.num_workers = num_workers
        self.kinds = image_kinds(self.dataset)
        rank, world_size = dist.get_dist_info()
        places = range(len(self.dataset))
        parts = on_all_ranks(
            lambda: self._look_at(places[rank::world_size]), group
        )
        self.facts: list[ImageFacts] = interleave(parts)
        self._refuse_missing_labels()
        self._refuse_two_labels()
        check_unique(
            ((fact.key, fact.path) for fact in self.facts),
            'differ in their suffix alone, so that their pseudo-labels would '
            'have one name',
        )

    def load(self, places: Sequence[int]) -> Iterator[dict]:
        """Yields batches of single images, in the order of their places.

        Workers load images ahead, but large ones are loaded one by one.
        """
        by_size: dict[bool, list[int]] = {}
        for place in places:
            by_size.setdefault(self.is_large(place), []).append(place)
        loaders = {
            large: iter(self._loader(same, 0 if large else self.num_workers))
            for large, same in by_size.items()
        }
        for place in places:
            yield next(loaders[self.is_large(place)])

    def load_part(self, places: Sequence[int], title: str) -> Iterator[dict]:
        """Yields batches of this rank's part of places, with a progress bar.

        Together the ranks load all places; `interleave` puts what they make
        of the images into the order of the places.
        """
        rank, world_size = dist.get_dist_info()
        part = places[rank::world_size]
        return Progress(
            self.load(part),
            desc=title,
            total=len(part),
            delay=2,
            disable=rank > 0,
        )

    def share(self, places: Sequence[int]) -> list[int]:
        """Returns this rank's share of places; all take a similar time."""
        rank, world_size = dist.get_dist_info()
        costs = [
            1
            if self.facts[p].kind in (DENSE, NO_LABEL)
            else _ENCODING + self.facts[p].components
            for p in places
        ]
        return [places[i] for i in share_out(costs, world_size)[rank]]

    def places(self) -> dict[str, int]:
        """Returns the place of each image, by its key.

        A data set may list an image several times: its first place counts.
        """
        places: dict[str, int] = {}
        for place, fact in enumerate(self.facts):
            places.setdefault(fact.key, place)
        return places

    def spread(
        self, number: int, leave_out: Container[str | None] = ()
    ) -> list[int]:
        """Returns places from all over the set, `number` at most.

        Args:
            number: most places.
            leave_out: kinds of labels whose images are left out.
        """
        places = [
            place
            for place in self.places().values()
            if self.facts[place].kind not in leave_out
        ]
        number = min(number, len(places))
        chosen = np.linspace(0, len(places) - 1, number).round().astype(int)
        return [places[index] for index in chosen]

    def two_sizes(self, leave_out: Container[str | None] = ()) -> list[int]:
        """Returns the first place, and one of another size if there is one.

        Args:
            leave_out: kinds of labels whose images are left out.
        """
        places: dict[tuple[int, int], int] = {}
        for place, fact in enumerate(self.facts):
            if fact.kind not in leave_out:
                places.setdefault(fact.size, place)
        return list(places.values())[:2]

    def facts_by_kind(self) -> dict[str, list[ImageFacts]]:
        """Returns the facts by the kind of the label, or 'weak'.

        An image that is listed several times counts once.
        """
        kinds: dict[str, list[ImageFacts]] = {}
        for fact in map(self.facts.__getitem__, self.places().values()):
            kinds.setdefault(fact.kind or UNSAID, []).append(fact)
        return kinds

    def is_large(self, place: int) -> bool:
        """Returns whether an image is loaded and labelled alone."""
        return self.facts[place].pixels > _PIXELS_AHEAD

    def _loader(self, places: list[int], num_workers: int) -> DataLoader:
        return Runner.build_dataloader(
            dict(
                batch_size=1,
                num_workers=num_workers,
                sampler=places,
                dataset=self.dataset,
            )
        )

    def _refuse_missing_labels(self) -> None:
        """Raises if label files are missing that a data set needs."""
        missing = [fact.path for fact in self.facts if not fact.sha256]
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of {len(self.facts)} training images have '
                f'no label file, such as {printable(missing[0])}; add them, '
                'take their images out of the list of training images, or '
                "set unlabelled='allow' of LoadWeakAnnotations to let them "
                'learn from the teacher.'
            )

    def _refuse_two_labels(self) -> None:
        """Raises if data sets give an image different labels."""
        seen: dict[str, ImageFacts] = {}
        for fact in self.facts:
            first = seen.setdefault(fact.path, fact)
            if first != fact:
                kinds = ' and '.join(str(f.kind) for f in (first, fact))
                raise ValueError(
                    f'{printable(fact.path)} is listed in two data sets with '
                    f'different labels (kinds: {kinds}), and has one '
                    'pseudo-label; take it out of one of the lists.'
                )

    def _look_at(self, places: Sequence[int]) -> list[ImageFacts]:
        """Returns facts about images after loading one of each kind."""
        hidden = dist.get_rank() > 0
        bar = Progress(
            places, desc='reading weak labels', delay=2, disable=hidden
        )
        facts = list(map(self._look, bar))
        formats = [f.sha256 and pixel_format(f.path) for f in facts]
        for one in filter(None, dict.fromkeys(formats)):
            # A format that cannot be loaded is refused before the round.
            packed = self.dataset[places[formats.index(one)]]
            rgb_view(packed['inputs'], packed['data_samples'])
        return facts

    def _look(self, place: int) -> ImageFacts:
        """Returns facts about an image and its label file."""
        info, kind = self.dataset.get_data_info(place), self.kinds[place]
        image = Path(info['img_path'])
        label = None if kind == NO_LABEL else Path(label_path(info))
        if not image.is_file() or not image.stat().st_size:
            raise FileNotFoundError(
                f'The training image {printable(image)} is missing or empty; '
                'add it, or take it out of the list of training images.'
            )
        key = sample_key(info['img_path'], self.data_root)
        if label is not None and not label.is_file():
            return ImageFacts(key, str(image), '', (0, 0), 0, kind)
        digest = hashlib.sha256(os.fsencode(key))
        if label is not None:
            digest.update(label.read_bytes())
        digest.update(str(image.stat().st_size).encode())
        with image.open('rb') as file:
            digest.update(file.read(_HEAD))
        measures = self._measure(label or image, kind)
        return ImageFacts(key, str(image), digest.hexdigest(), *measures, kind)

    def _measure(
        self, path: Path, kind: str | None
    ) -> tuple[tuple[int, int], int]:
        """Returns the size and the number of components of a label."""
        try:
            if kind == NO_LABEL:
                # Pillow does not open images of many bands.
                return image_size(path), 0
            with open_image(path) as image:
                size = image.size
                # A single rank shares nothing out.
                if dist.get_world_size() == 1 or kind == DENSE:
                    return size, 0
            return size, len(find_components(read_label(path)))
        except (
            *(OSError, SyntaxError, ValueError),
            Image.DecompressionBombError,
        ):
            # Loading the label raises an error with the reason.
            return (0, 0), 0


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
