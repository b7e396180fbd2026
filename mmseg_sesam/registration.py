"""Registers the package's components with mmseg when they are needed."""

from __future__ import annotations

import importlib
from types import ModuleType

import wrapt

# The modules whose import registers components, by mmseg's registry.
_COMPONENTS = dict(
    HOOKS=['engine'],
    METRICS=['evaluation.metric'],
    MODELS=['models'],
    TASK_UTILS=['pseudo_labels.generator', 'segmenters'],
    TRANSFORMS=[
        'datasets.formatting',
        'datasets.loading',
        'datasets.simulate',
    ],
)


def apply() -> None:
    """Adds the components to mmseg's registries once these are imported.

    A registry imports its components at its first look-up. To import them
    here would take seconds in programs that look up none.
    """
    wrapt.register_post_import_hook(_add_locations, 'mmseg.registry')


def _add_locations(registries: ModuleType) -> None:
    package = __name__.rpartition('.')[0]
    for name, modules in _COMPONENTS.items():
        registry = getattr(registries, name)
        locations = [f'{package}.{module}' for module in modules]
        registry._locations.extend(locations)
        # A registry reads its locations at the first look-up alone.
        if registry._imported:
            for location in locations:
                importlib.import_module(location)
