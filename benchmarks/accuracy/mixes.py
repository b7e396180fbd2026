"""Mixes of kinds of labels, made from one data set with dense labels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_sesam.annotations.cost import RATES
from mmseg_sesam.annotations.mixes import IMAGES, RATE_OF_KIND
from mmseg_sesam.start.ratio import drawing_ratio
from mmseg_sesam.structures import (
    DENSE,
    HUMAN_FIELD,
    NO_LABEL,
    SOURCES,
    LabelSource,
)


class Mix(NamedTuple):
    """The images of a training set that have labels, and of which kind.

    Attributes:
        kind: kind of the weak labels; None for no weakly labelled image.
        dense: number of dense images.
        share: share of the other images that have weak labels.
        unlabelled: whether the rest is trained on, without labels.
        chosen: places of the images that have weak labels, in place of
            `share`; none of them is dense.
        left_out: places of the images that are not trained on.
    """

    kind: str | None
    dense: int = 0
    share: float = 1.0
    unlabelled: bool = False
    chosen: Sequence[int] = ()
    left_out: Sequence[int] = ()

    def places(self, total: int) -> dict[str, list[int]]:
        """Returns the places of each kind's images, spread over the set."""
        # One image at least is left for the weak labels of a tiny set.
        dense = _spread([*range(total)], min(self.dense, total - 1))
        others = sorted(set(range(total)) - set(dense))
        weak = []
        if self.chosen:
            weak = sorted(self.chosen)
        elif self.kind is not None:
            weak = _spread(others, max(round(self.share * len(others)), 1))
        places = {DENSE: dense, self.kind: weak}
        if self.unlabelled:
            rest = set(others) - set(weak) - set(self.left_out)
            places[NO_LABEL] = sorted(rest)
        return {kind: found for kind, found in places.items() if found}

    def labels(self, total: int) -> dict[str, int]:
        """Returns the number of images of each kind of label."""
        return {
            kind: len(found)
            for kind, found in self.places(total).items()
            if kind != NO_LABEL
        }


def mix_for(hours: float, kind: str | None, dense: int = 0) -> Mix:
    """Returns a mix of CamVid's images that some hours of labelling buy.

    The images without a label are trained on.

    Args:
        hours: of labelling.
        kind: of the weak labels; None for dense labels alone.
        dense: number of dense images.
    """
    if kind is None:
        return Mix(None, dense, unlabelled=True)
    left = hours - RATES[RATE_OF_KIND[DENSE]].hours(dense)
    weak = RATES[RATE_OF_KIND[kind]].images(left)
    return Mix(kind, dense, min(weak / (IMAGES - dense), 1), unlabelled=True)


def count_labels(row: str, mix: Mix | None, total: int) -> dict[str, int]:
    """Returns the number of images of each kind of label.

    Args:
        row: name of the row.
        mix: of the row, if it has one.
        total: images of the training set.

    Returns:
        Numbers by kind; none for a row that is worse than another one with
        the same labels, or that is told more than labels.
    """
    if mix is not None:
        return mix.labels(total)
    if row == 'full':
        return {DENSE: total}
    method, _, kind = row.rpartition('-')
    return {kind: total} if method == 'sesam' else {}


def apply_mix(cfg: Config, mix: Mix, dense_folder: str, clicks: str) -> None:
    """Changes a config to train on a mix.

    Args:
        cfg: of a data set of one kind of labels.
        mix: kinds and numbers of images.
        dense_folder: the data set's prefix of dense labels.
        clicks: folder of people's clicks; '' simulates points.
    """
    dataset = cfg.train_dataloader.dataset
    places = mix.places(count_images(dataset))
    if [*places] == [DENSE]:
        # Dense labels alone need no method, and no pseudo-labels.
        dataset.indices = places[DENSE]
        return
    parts = []
    for kind, indices in places.items():
        part = copy.deepcopy(dataset)
        part.indices = indices
        from_people = kind == 'point' and clicks
        part.data_prefix.seg_map_path = clicks if from_people else dense_folder
        simulated = None if from_people or kind != mix.kind else kind
        part.pipeline = _pipeline(part, kind, simulated)
        parts.append(part)
    cfg.train_dataloader.dataset = ConfigDict(
        type='ConcatDataset', datasets=parts
    )
    if len(places) > 1:
        ratio = drawing_ratio({k: len(part) for k, part in places.items()})
        cfg.train_dataloader.sampler = ConfigDict(
            type='LabelKindSampler', ratio=ratio
        )
    if {*places} <= {DENSE, NO_LABEL}:
        # GatedCRFLoss would leave all images out.
        cfg.model.regularizers = []
    if DENSE in places:
        dense = LabelSource('dense', HUMAN_FIELD, kinds=[DENSE])
        cfg.model.sources = [
            dict(asdict(source), type='LabelSource')
            for source in (dense, *SOURCES)
        ]


def _pipeline(
    dataset: ConfigDict, kind: str, simulated: str | None
) -> list[ConfigDict]:
    """Returns the pipeline of a data set for another kind of labels."""
    steps = []
    for step in dataset.pipeline:
        if step.type == 'SimulateWeakLabel':
            continue
        steps.append(step)
        if step.type != 'LoadWeakAnnotations':
            continue
        step.kind = DENSE if simulated else kind
        if simulated:
            weak = ConfigDict(
                type='SimulateWeakLabel',
                kind=simulated,
                data_root=dataset.data_root,
                cache_dir=f'work_dirs/weak_labels/mixes/{simulated}',
            )
            steps.append(weak)
    return steps


def count_images(dataset: dict[str, Any]) -> int:
    """Returns the number of images of a data set, or of its parts."""
    init_default_scope('mmseg')
    return len(DATASETS.build({**dataset, 'pipeline': []}))


def _spread(places: list[int], number: int) -> list[int]:
    """Returns some of the places, from all over them."""
    centres = (np.arange(number) + 0.5) * len(places) / max(number, 1)
    return [places[int(centre)] for centre in centres]
