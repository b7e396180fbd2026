"""Which component a config asks for."""

from __future__ import annotations

import inspect
from typing import Any

from mmengine.registry import Registry


def type_name(config: dict) -> str:
    """The class that a config names, in any of mmengine's ways.

    Args:
        config: of one component: its type is a name, one with a scope such
            as 'mmseg.RandomCrop', or, in a config of imports, the class.

    Returns:
        The name of the class alone.
    """
    kind = config['type']
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def lineage(config: dict, registry: Registry) -> tuple[type, ...]:
    """Returns the class that a config names, and its base classes.

    A name alone is not enough for a check: 'RandomFlip' and
    'mmcv.RandomFlip' are different classes, and a class may be derived from
    the one that the check knows.

    Args:
        config: of one component.
        registry: of mmseg, which looks names up as a Runner does.

    Returns:
        Classes, the config's own first; empty if it names no class.
    """
    kind = config['type']
    if isinstance(kind, str):
        kind = registry.get(kind)
    return inspect.getmro(kind) if inspect.isclass(kind) else ()


def type_names(config: dict, registry: Registry) -> set[str]:
    """Returns the names of a config's class and of its base classes.

    Args:
        config: of one component.
        registry: of mmseg.
    """
    bases = {kind.__name__ for kind in lineage(config, registry)}
    return {type_name(config), *bases}


def option(config: dict, registry: Registry, name: str) -> Any:
    """Returns the value that a component will have for an option.

    Args:
        config: of one component.
        registry: of mmseg.
        name: of the option.

    Returns:
        The config's value, or else the default in the class or the nearest
        base class that has the option; None if there is none.
    """
    if name in config:
        return config[name]
    for kind in lineage(config, registry):
        parameter = inspect.signature(kind.__init__).parameters.get(name)
        if parameter is not None:
            default = parameter.default
            return None if default is parameter.empty else default
    return None
