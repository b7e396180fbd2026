"""The settings that a round 0 depends on."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from mmseg_sesam.datasets.pipeline_configs import (
    iterate_pipelines,
    leaf_datasets,
)
from mmseg_sesam.io.json_values import json_values
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.type_names import type_name

# Raise it when the same settings give other rounds than before.
FORMAT = 17
# How a data set reads the ids of a label, by its metainfo.
_READING = ('reduce_zero_label', 'label_map')


def fingerprint(
    generator: PseudoLabelGenerator, images: TrainingImages
) -> dict[str, Any]:
    """Returns the settings that a round 0 depends on.

    Folders are left out, so that files may be moved.

    Args:
        generator: makes the round.
        images: images of the training set.

    Returns:
        JSON values; two rounds 0 are equal if these are equal.
    """
    digest = hashlib.sha256()
    for fact in images.facts:
        digest.update(fact.sha256.encode())
    settings = dict(
        format=FORMAT,
        generator=generator.fingerprint,
        weak_labels=digest.hexdigest(),
        reading=[
            {name: leaf.metainfo.get(name) for name in _READING}
            for leaf in leaf_datasets(images.dataset)
        ],
        pipelines=[
            [_without_places(step, images.data_root) for step in pipeline]
            for pipeline in iterate_pipelines(images.config)
        ],
    )
    return as_json('The training config', settings)


def as_json(owner: str, values: Any) -> Any:
    """Returns `json_values`, with classes and functions by their names."""
    return json_values(owner, values, by_name=True)


def _without_places(step: dict, data_root: str) -> dict[str, Any]:
    """Returns a transform's options without folders."""
    options = {k: v for k, v in step.items() if k != 'cache_dir'}
    options['type'] = type_name(step)
    if 'data_root' in options:
        # Names of images are relative to it, and seed random choices.
        options['data_root'] = os.path.relpath(step['data_root'], data_root)
    return options
