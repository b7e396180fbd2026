"""Checks that hooks and options of this package have their right names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from mmengine.config import Config
from mmseg.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    METRICS,
    MODELS,
    TASK_UTILS,
    TRANSFORMS,
)

from mmseg_sesam.config_checks.training import Training, iterate_hooks
from mmseg_sesam.datasets.pipeline_configs import iterate_nested
from mmseg_sesam.type_names import is_own, lineage, option_names

_REGISTRIES = (
    *(DATA_SAMPLERS, DATASETS, HOOKS, METRICS, MODELS),
    *(TASK_UTILS, TRANSFORMS),
)
# Parts of a config that name components, besides model and hooks.
_LOADING = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_EVALUATING = ('val_evaluator', 'test_evaluator')
# Read by mmengine, which hands the others to the class.
_OF_MMENGINE = {'type', '_scope_', 'priority'}


def check_names(training: Training) -> None:
    """Raises if a hook has no class, or a component gets an unknown option.

    Errors of mmengine name no place in the config.
    """
    _check_hook_types(training.cfg)
    hooks = [h for h in iterate_hooks(training.cfg) if isinstance(h, dict)]
    others = [training.cfg.get(name) for name in (*_LOADING, *_EVALUATING)]
    for part in iterate_nested([training.model, hooks, others]):
        kinds = [lineage(part, registry)[:1] for registry in _REGISTRIES]
        for kind in {kind for found in kinds for kind in found}:
            # Other classes may take options that no signature shows.
            if is_own(kind):
                _check_options(part, kind)


def _check_hook_types(cfg: Config) -> None:
    """Raises if a hook has no type, as one has whose name is misspelt."""
    hooks = cfg.get('default_hooks') or {}
    for name, hook in hooks.items():
        if isinstance(hook, dict) and 'type' not in hook:
            raise ValueError(
                f'default_hooks.{name} has no type, expected the class of a '
                f'hook; {_remedy(name, hooks, "set the type")}.'
            )


def _check_options(config: dict, kind: type) -> None:
    """Raises if a class does not take all options of its config."""
    known = option_names(kind)
    for name in config:
        if known is not None and name not in known | _OF_MMENGINE:
            raise ValueError(
                f'{kind.__name__} has no option {name!r}; '
                f'{_remedy(name, known, "take it out")}.'
            )


def _remedy(name: str, names: Iterable[str], otherwise: str) -> str:
    """Returns what to do about a wrong name, with the right one if clear."""
    near = get_close_matches(name, [n for n in names if n != name], n=1)
    return f'write {near[0]}, or {otherwise}' if near else otherwise
