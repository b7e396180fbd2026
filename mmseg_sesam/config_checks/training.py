"""The parts of a training config that the checks read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import HOOKS, MODELS, TRANSFORMS

from mmseg_sesam.datasets.pipeline_configs import (
    iterate_leaves,
    iterate_transforms,
    transform_names,
)
from mmseg_sesam.structures import SOURCES
from mmseg_sesam.type_names import (
    is_own,
    lineage,
    option_of,
    type_name,
    type_names,
)

# Only SeSAM's pack, preprocessor and model read what these load.
TRAINING_ONLY = ('LoadPseudoLabel', 'KeepTeacherView')


class Training:
    """The parts of a training config, empty where the config lacks them.

    Attributes:
        cfg: the whole config.
        round_hooks: all SAMPseudoLabelHook, as configs or as a Runner has
            them.
        hooks: those of them that are enabled.
        dataset: config of the training data set.
        model: config of the model.
        leaves: config and transforms of each data set within wrappers.
        transforms: configs of all transforms, nested ones included.
    """

    def __init__(self, cfg: Config, hooks: Sequence[Hook] | None) -> None:
        found = list(iterate_hooks(cfg) if hooks is None else hooks)
        self.share_hooks = [
            hook for hook in found if 'ClassSharesHook' in hook_names(hook)
        ]
        self.round_hooks = [hook for hook in found if is_round_hook(hook)]
        self.cfg = cfg
        self.hooks = [h for h in self.round_hooks if hook_option(h, 'enabled')]
        self.dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
        self.model = cfg.get('model') or {}
        self.leaves = list(iterate_leaves(self.dataset))
        self.transforms = list(iterate_transforms(self.dataset))
        if self.round_hooks and not self.hooks:
            # LoadPseudoLabel then adds nothing.
            self.leaves = [(d, _without_source(s)) for d, s in self.leaves]
            self.transforms = _without_source(self.transforms)

    @property
    def has_own_parts(self) -> bool:
        """True if any part belongs to this package."""
        kinds = [k for t in self.transforms for k in lineage(t, TRANSFORMS)]
        own = any(map(is_own, kinds))
        hooks = self.hooks or self.share_hooks
        return bool(hooks) or own or self.is_sesam

    @property
    def is_sesam(self) -> bool:
        """True if the model is a SeSAMEncoderDecoder."""
        return 'SeSAMEncoderDecoder' in model_names(self.model)

    @property
    def refreshes(self) -> int:
        """The number of rounds that a teacher or student makes."""
        return sum(hook_option(h, 'max_rounds') or 0 for h in self.hooks)

    @property
    def counts_epochs(self) -> bool:
        """True if the training counts epochs in place of iterations."""
        loop = self.cfg.get('train_cfg') or {}
        if 'type' in loop:
            return type_name(loop) == 'EpochBasedTrainLoop'
        return loop.get('by_epoch', False)

    def find(self, name: str) -> list[dict]:
        """Returns the transforms of a class or of one derived from it."""
        return [t for t in self.transforms if name in transform_names(t)]

    def model_option(self, name: str) -> Any:
        """Returns the value that the model will have for an option."""
        return option_of(self.model, MODELS, name)

    def sources(self) -> Sequence[dict]:
        """Returns the options of each label source, in the model's order."""
        sources = self.model_option('sources')
        if sources is None:
            return [dataclasses.asdict(source) for source in SOURCES]
        return sources

    def weights(self) -> dict[str, float]:
        """Returns the highest loss weight of the sources of each field."""
        weights = {}
        for source in self.sources():
            # Several sources may share the labels of people.
            field, weight = source.get('field'), source.get('loss_weight', 1.0)
            weights[field] = max(weight, weights.get(field, weight))
        return weights

    def weight(self, field: str) -> float:
        """Returns the loss weight of a label source, 0 if it is missing."""
        return self.weights().get(field, 0.0)


def hook_option(hook: dict | Hook, name: str) -> Any:
    """Returns the value of a hook's option, from its config or itself."""
    if isinstance(hook, dict):
        return option_of(hook, HOOKS, name)
    return getattr(hook, name)


def iterate_hooks(cfg: Config) -> Iterator[dict | Hook]:
    """Yields all hooks that a config names."""
    yield from cfg.get('custom_hooks') or []
    yield from (cfg.get('default_hooks') or {}).values()


def round_hooks(cfg: Config) -> list[dict | Hook]:
    """Returns the SAMPseudoLabelHooks of a config, and those derived."""
    return [hook for hook in iterate_hooks(cfg) if is_round_hook(hook)]


def is_round_hook(hook: dict | Hook | None) -> bool:
    """Returns whether a hook is a SAMPseudoLabelHook or derived from it."""
    return 'SAMPseudoLabelHook' in hook_names(hook)


def hook_names(hook: dict | Hook | None) -> set[str]:
    """Returns the names of a hook's class and of its base classes."""
    if isinstance(hook, dict):
        return type_names(hook, HOOKS)
    return {kind.__name__ for kind in type(hook).__mro__}


def _without_source(steps: list[dict]) -> list[dict]:
    """Returns the transforms that are no LoadPseudoLabel."""
    return [s for s in steps if 'LoadPseudoLabel' not in transform_names(s)]


def model_names(config: dict) -> set[str]:
    """Returns the names of a module's class and its base classes."""
    return type_names(config, MODELS)
