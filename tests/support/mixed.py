"""Turns the tiny training into one of several kinds of labels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config, ConfigDict
from pipelines import place_of

# Sources that give dense labels a term of their own.
BY_KIND = [
    dict(
        type='LabelSource', name='dense', field='gt_sem_seg', kinds=['dense']
    ),
    dict(type='LabelSource', name='weak', field='gt_sem_seg'),
    dict(type='LabelSource', name='pseudo', field='pseudo_sem_seg'),
    dict(type='LabelSource', name='confident', field='confident_sem_seg'),
]


def loader_of(dataset: ConfigDict) -> ConfigDict:
    """The LoadWeakAnnotations of a data set's config."""
    place = place_of(dataset.pipeline, 'LoadWeakAnnotations')
    return dataset.pipeline[place]


def mix(
    cfg: Config,
    kinds: Sequence[str] = ('dense', 'scribble', 'none'),
    **sampler: Any,
) -> Config:
    """Joins a data set for each kind, which gets one of the images.

    Keywords are options of `LabelKindSampler`, which is left out without.
    """
    parts = []
    for index, kind in enumerate(kinds):
        part = copy.deepcopy(cfg.train_dataloader.dataset)
        part.indices = [index]
        folder = 'dense' if kind == 'dense' else 'weak'
        part.data_prefix.seg_map_path = folder
        loader_of(part).kind = kind
        parts.append(part)
    cfg.train_dataloader.dataset = ConfigDict(
        type='ConcatDataset', datasets=parts
    )
    cfg.model.sources = BY_KIND
    if sampler:
        cfg.train_dataloader.sampler = ConfigDict(
            type='LabelKindSampler', **sampler
        )
    return cfg
