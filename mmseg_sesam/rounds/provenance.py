"""What a round from weak labels depends on, and what of it has changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

from torch.utils.data import Dataset

from mmseg_sesam.datasets.pipeline_configs import iterate_pipelines
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.type_names import type_name

# To be raised whenever the same settings come to give other rounds.
FORMAT = 8
# How a data set reads the ids of a label, by its metainfo.
_READING = ('reduce_zero_label', 'label_map')
_MISSING = '(not there)'
# Changes that a message lists; the first ones tell the cause.
_LISTED = 5


def describe(
    generator: PseudoLabelGenerator, images: TrainingImages
) -> dict[str, Any]:
    """Collects what a round 0 depends on.

    Where the files lie is no part of it: they may be moved.

    Args:
        generator: that makes it.
        images: of the training set.

    Returns:
        Settings as JSON values; two rounds 0 are the same if these are.
    """
    digest = hashlib.sha256()
    for fact in images.facts:
        digest.update(fact.sha256.encode())
    settings = dict(
        format=FORMAT,
        generator=generator.fingerprint,
        weak_labels=digest.hexdigest(),
        reading=list(_reading(images.dataset)),
        pipelines=[
            [_without_places(step, images.data_root) for step in pipeline]
            for pipeline in iterate_pipelines(images.config)
        ],
    )
    return as_json(settings)


def as_json(value: Any) -> Any:
    """Turns options into what a manifest will give back.

    Args:
        value: of lists, tuples, dicts, numbers, texts, classes and
            functions.
    """
    return json.loads(json.dumps(value, default=_name))


def settings_digest(settings: dict[str, Any]) -> str:
    """The sha256 of settings, in hexadecimal digits."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def changes(before: Any, now: Any) -> str:
    """Names the settings that changed.

    Args:
        before: settings, as JSON values.
        now: settings, as JSON values.

    Returns:
        Such as 'generator.min_area was 64 and is 32'; empty if none did.
    """
    old, new = dict(_leaves(before)), dict(_leaves(now))
    names = [
        name
        for name in [*old, *(name for name in new if name not in old)]
        if old.get(name, _MISSING) != new.get(name, _MISSING)
    ]
    listed = [
        f'{name} was {old.get(name, _MISSING)} and is '
        f'{new.get(name, _MISSING)}'
        for name in names[:_LISTED]
    ]
    if len(names) > _LISTED:
        listed.append(f'{len(names) - _LISTED} more')
    return ', '.join(listed)


def _reading(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """How each of the joined data sets reads its labels."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from _reading(part)
    else:
        metainfo = dataset.metainfo
        yield {name: metainfo.get(name) for name in _READING}


def _name(value: Any) -> str:
    """Names a class or function, of which configs may be made."""
    return value.__name__


def _without_places(step: dict, data_root: str) -> dict[str, Any]:
    """A transform's options, without those that only say where files lie."""
    options = {k: v for k, v in step.items() if k != 'cache_dir'}
    options['type'] = type_name(step)
    if 'data_root' in options:
        # By which images are named, and names fix random choices.
        options['data_root'] = os.path.relpath(step['data_root'], data_root)
    return options


def _leaves(value: Any, name: str = '') -> list[tuple[str, str]]:
    """Single values by their dotted names."""
    if not isinstance(value, (dict, list)) or (name and not value):
        return [(name, repr(value))]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [
        leaf
        for key, child in items
        for leaf in _leaves(child, f'{name}.{key}' if name else str(key))
    ]
