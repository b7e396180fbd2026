"""Reads which class a config names, and the values of its options."""

from __future__ import annotations

import inspect
from typing import Any

from mmengine.registry import Registry


def type_name(config: dict) -> str:
    """Returns the name of a config's class, without a scope.

    Example:
        >>> type_name(dict(type='mmseg.RandomCrop')), type_name(dict(type=int))
        ('RandomCrop', 'int')
    """
    kind = config['type']
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def lineage(config: dict, registry: Registry) -> tuple[type, ...]:
    """Returns a config's class and its base classes.

    () for an unknown name, or if the config has no type.

    Use it where a name is not enough: 'RandomFlip' and 'mmcv.RandomFlip'
    are different classes, and users derive classes from known ones.
    """
    kind = config.get('type')
    if isinstance(kind, str):
        kind = registry.get(kind)
    return inspect.getmro(kind) if inspect.isclass(kind) else ()


def is_own(kind: type) -> bool:
    """Returns whether this package defines a class."""
    return kind.__module__.startswith('mmseg_sesam.')


def type_names(config: dict, registry: Registry) -> set[str]:
    """Returns the names of a config's class and of its base classes.

    An empty set if the config has no type.
    """
    if 'type' not in config:
        return set()
    bases = {kind.__name__ for kind in lineage(config, registry)}
    return {type_name(config), *bases}


def metrics_of(evaluator: dict | list | None) -> list[dict]:
    """Returns the configs of an evaluator's metrics, [] for None.

    mmengine takes one metric, a list of them, or a config with `metrics`.

    Example:
        >>> metrics_of(dict(metrics=[dict(type='IoUMetric')]))
        [{'type': 'IoUMetric'}]
    """
    if isinstance(evaluator, dict):
        evaluator = evaluator.get('metrics', evaluator)
    if isinstance(evaluator, (list, tuple)):
        return [*evaluator]
    return [evaluator] if evaluator else []


def option_of(config: dict, registry: Registry, name: str) -> Any:
    """Returns the value of an option that a config gives, or its default.

    The default is of the class or of its nearest base class with this option;
    None if there is none.
    """
    if name in config:
        return config[name]
    for kind in lineage(config, registry):
        parameter = inspect.signature(kind.__init__).parameters.get(name)
        if parameter is not None:
            default = parameter.default
            return None if default is parameter.empty else default
    return None


def option_names(kind: type) -> set[str] | None:
    """Returns the names of all options of a class, None if it takes any.

    Example:
        >>> class Base:
        ...     def __init__(self, size=1): ...
        >>> class Derived(Base):
        ...     def __init__(self, scale=1, **kwargs): ...
        >>> sorted(option_names(Derived))
        ['scale', 'size']
    """
    names, takes_any = set(), kind.__new__ is not object.__new__
    for base in inspect.getmro(kind):
        # The constructor of object takes no options.
        if base is object or '__init__' not in vars(base):
            continue
        takes_any = True
        # The first is self.
        _, *parameters = inspect.signature(base.__init__).parameters.values()
        several = [p for p in parameters if p.kind is p.VAR_KEYWORD]
        names.update(p.name for p in parameters if p not in several)
        # Further options are those of the next base class.
        if not several:
            return names
    return None if takes_any else names
