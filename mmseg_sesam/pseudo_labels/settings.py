"""What a round from weak labels depends on, and what of it has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from mmseg_sesam.datasets.pipelines import iterate_pipelines, loading_dataset

from .generator import PseudoLabelGenerator
from .images import ImageFacts

# To be raised whenever the same settings come to give other rounds.
FORMAT = 7
_MISSING = '(not there)'
# Changes that a message lists; the first ones tell the cause.
_LISTED = 5


def describe(
    generator: PseudoLabelGenerator,
    config: dict,
    facts: Sequence[ImageFacts],
) -> dict[str, Any]:
    """Collects what a round 0 depends on.

    Args:
        generator: that makes it.
        config: of the training data set.
        facts: of all its images.

    Returns:
        Settings as JSON values; two rounds 0 are the same if these are.
    """
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(fact.sha256.encode())
    settings = dict(
        format=FORMAT,
        generator=generator.fingerprint,
        weak_labels=digest.hexdigest(),
        pipelines=list(iterate_pipelines(loading_dataset(config))),
    )
    # As the manifest will give it back.
    return json.loads(json.dumps(settings))


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


def _leaves(value: Any, name: str = '') -> list[tuple[str, str]]:
    """Single values by their dotted names."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return [(name, repr(value))]
    return [
        leaf
        for key, child in items
        for leaf in _leaves(child, f'{name}.{key}' if name else str(key))
    ]
