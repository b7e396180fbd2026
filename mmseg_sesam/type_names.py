"""Which component a config asks for."""

from __future__ import annotations


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
