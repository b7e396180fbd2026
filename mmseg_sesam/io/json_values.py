"""Options as JSON values, by which they are stored and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

_PLAIN = str, int, float, type(None)


def json_values(
    owner: str, values: Any, by_name: tuple[type, ...] = ()
) -> Any:
    """Returns options as a JSON file gives them back.

    Equal numbers become the same text: 40.0 becomes 40.

    Args:
        owner: what has the options, for messages.
        values: dicts and lists of options.
        by_name: types whose objects become their names, such as `type`.

    Raises:
        ValueError: JSON cannot hold a value.

    Example:
        >>> json_values('Resize', dict(scale=(40.0, 0.5), kind=int), (type,))
        {'scale': [40, 0.5], 'kind': 'int'}
    """
    for key, value in _leaves(values):
        if not isinstance(value, (*_PLAIN, *by_name)):
            raise ValueError(
                f'{owner} holds {type(value).__name__} at {key!r}, expected '
                'JSON values; use texts, numbers, True, False, None, and '
                'lists and dicts of them.'
            )
    text = json.dumps(values, default=attrgetter('__name__'))
    # An undefined number as text: as a number it is not equal to itself.
    return json.loads(text, parse_float=_number, parse_constant=str)


def _leaves(value: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """Yields single values, and keys, with their dotted names."""
    if not isinstance(value, (dict, list, tuple)):
        yield name, value
        return
    if isinstance(value, dict):
        yield from ((name, key) for key in value)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in items:
        yield from _leaves(child, f'{name}.{key}' if name else str(key))


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
