"""Sampler that draws images by the kind of their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import Dataset, Sampler

from mmseg_sesam.datasets.label_kinds import UNSAID, image_kinds
from mmseg_sesam.structures import LABEL_KINDS
from mmseg_sesam.validators import FLAG, Rule, check_options, number

_SHARE = number(above=0)
RATIO = Rule(
    lambda value: (
        isinstance(value, Mapping)
        and len(value) > 0
        and set(value) <= set(LABEL_KINDS)
        and all(map(_SHARE.allows, value.values()))
    ),
    f'a number above 0 for each kind of label, of {LABEL_KINDS}',
)


@DATA_SAMPLERS.register_module()
class LabelKindSampler(Sampler):
    """Draws images without end, with fixed shares of the kinds of labels.

    Kinds alternate by a fixed pattern, so that every batch has the ratio as
    closely as its size allows, on each rank: with `dict(dense=1, scribble=7)`
    each 8 images in a row hold one dense one. The images of a kind are drawn
    in random orders; ranks share each order. The sequence depends on the seed
    and the number of ranks alone, so that a resumed training, which skips
    the batches before its checkpoint, goes on with the same images.

    The model is mmdetection's `GroupMultiSourceSampler`. This one draws by
    kind, not by data set, since a data set may hold unlabelled images too. It
    needs no batch size, and a kind may be rarer than one image in a batch.

    Args:
        dataset: training data set, whose `LoadWeakAnnotations` say the kind.
        ratio: number of images drawn of each kind, relative to each other.
        shuffle: whether orders are random; False draws images as listed.
        seed: seed of the orders; by default one that all ranks share.

    Raises:
        ValueError: a kind in `ratio` has no images, or images have a kind
            that `ratio` lacks.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> images = TensorDataset(torch.zeros(4))
        >>> LabelKindSampler(images, dict(dense=1, none=1), seed=0)
        Traceback (most recent call last):
        ...
        ValueError: LabelKindSampler has ratio=... of images without a kind...
    """

    def __init__(
        self,
        dataset: Dataset,
        ratio: Mapping[str, float],
        shuffle: bool = True,
        seed: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.ratio = ratio
        self.shuffle = shuffle
        check_options(self, ratio=RATIO, shuffle=FLAG)
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.places: dict[str, list[int]] = {}
        for place, kind in enumerate(image_kinds(dataset)):
            self.places.setdefault(kind or UNSAID, []).append(place)
        check_ratio(ratio, set(self.places))

    def __iter__(self) -> Iterator[int]:
        """Yields places in the data set."""
        # Made here, so that each pass begins with the first image.
        streams = {
            kind: islice(self._draw(kind), self.rank, None, self.world_size)
            for kind in self.ratio
        }
        for kind in self._alternate():
            yield next(streams[kind])

    def __len__(self) -> int:
        """The number of images of the data set."""
        return len(self.dataset)

    def set_epoch(self, epoch: int) -> None:
        """Does nothing: the sequence has no epochs."""

    def _alternate(self) -> Iterator[str]:
        """Yields the kind of each image."""
        total = sum(self.ratio.values())
        drawn = dict.fromkeys(self.ratio, 0)
        step = 0
        while True:
            step += 1
            # The kind that lags most behind its share.
            kind = max(
                drawn,
                key=lambda k: step * self.ratio[k] / total - drawn[k],
            )
            drawn[kind] += 1
            yield kind

    def _draw(self, kind: str) -> Iterator[int]:
        """Yields the places of a kind, in one order after the other."""
        places = torch.tensor(self.places[kind])
        # Kinds are drawn independently of each other.
        generator = torch.Generator().manual_seed(
            self.seed * len(LABEL_KINDS) + LABEL_KINDS.index(kind)
        )
        while True:
            order = torch.arange(len(places))
            if self.shuffle:
                order = torch.randperm(len(places), generator=generator)
            yield from places[order].tolist()


def check_ratio(ratio: Mapping[str, Any], kinds: set[str]) -> None:
    """Raises if a ratio does not name exactly the kinds of a data set.

    Images without a kind count as 'weak'.
    """
    if UNSAID in kinds:
        raise ValueError(
            f'LabelKindSampler has ratio={dict(ratio)}, and the training set '
            'consists in part of images without a kind; set kind of '
            'LoadWeakAnnotations in every data set.'
        )
    if spare := set(ratio) - kinds:
        raise ValueError(
            f'LabelKindSampler has ratio={dict(ratio)}, and no image of the '
            f'training set has the kind {min(spare)!r}, expected '
            f'{sorted(kinds)}; take it out of ratio, or correct kind of '
            'LoadWeakAnnotations.'
        )
    if missing := kinds - set(ratio):
        raise ValueError(
            f'LabelKindSampler has ratio={dict(ratio)} without '
            f'{min(missing)!r}, whose images would never be drawn; add it to '
            'ratio, or take its data set out.'
        )
