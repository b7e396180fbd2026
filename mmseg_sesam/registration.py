"""Registers the package's components with mmseg at their first use."""

from __future__ import annotations

import importlib
from types import ModuleType

import wrapt

# Registry of mmseg -> modules whose import registers components.
_COMPONENTS = dict(
    DATASETS=['datasets.mapped'],
    DATA_SAMPLERS=['datasets.samplers'],
    HOOKS=['engine'],
    METRICS=['evaluation.boundary_metric', 'evaluation.weak_pixels'],
    MODELS=['models'],
    TASK_UTILS=['pseudo_labels.generator', 'segmenters'],
    TRANSFORMS=[
        'datasets.formatting',
        'datasets.loading',
        'datasets.rgb_view',
        'datasets.simulate',
    ],
)


def apply() -> None:
    """Adds the components' modules to mmseg's registries.

    A registry imports these modules at its first look-up. To import them
    here would take seconds in programs that look up nothing.
    """
    wrapt.register_post_import_hook(_add_locations, 'mmseg.registry')


def _add_locations(registries: ModuleType) -> None:
    for name, modules in _COMPONENTS.items():
        registry = getattr(registries, name)
        locations = [f'{__package__}.{module}' for module in modules]
        registry._locations.extend(locations)
        # A registry reads its locations only at the first look-up.
        if registry._imported:
            for location in locations:
                importlib.import_module(location)
