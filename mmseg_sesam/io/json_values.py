"""Options as JSON values, by which they are stored and compared."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from mmseg_sesam.io.names import name_some

_PLAIN = str, int, float, type(None)
_MISSING = '(not there)'
# Most changes that a message lists.
_LISTED = 5


def json_values(owner: str, values: Any, by_name: bool = False) -> Any:
    """Returns options as a JSON file gives them back.

    Equal numbers become the same text: 40.0 becomes 40. Numbers and arrays of
    numpy become plain ones.

    Args:
        owner: what has the options, for messages.
        values: dicts and lists of options.
        by_name: classes and functions become their names.

    Raises:
        ValueError: JSON cannot hold a value.

    Example:
        >>> json_values('Resize', dict(scale=(40.0, 0.5), kind=int), True)
        {'scale': [40, 0.5], 'kind': 'int'}
    """

    def convert(value: Any, name: str = '') -> Any:
        if isinstance(value, (np.ndarray, np.generic)):
            value = value.tolist()
        if isinstance(value, dict):
            for key in value:
                check(key, name)
            return {k: convert(v, _joined(name, k)) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [convert(v, _joined(name, i)) for i, v in enumerate(value)]
        if by_name and hasattr(value, '__name__'):
            return value.__name__
        check(value, name)
        return value

    def check(value: Any, name: str) -> None:
        if not isinstance(value, _PLAIN):
            raise ValueError(
                f'{owner} holds {type(value).__name__} at {name!r}, expected '
                'JSON values; use texts, numbers, True, False, None, and '
                'lists and dicts of them.'
            )

    # An undefined number as text: as a number it is not equal to itself.
    return json.loads(
        json.dumps(convert(values)), parse_float=_number, parse_constant=str
    )


def json_digest(values: Any) -> str:
    """Returns the sha256 of JSON values, in hexadecimal digits.

    Stored rounds and folders of caches have such digests, which do not depend
    on the order of keys.
    """
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def diff(before: Any, now: Any) -> str:
    """Names the settings, JSON values, that differ; empty if none does.

    Example:
        >>> diff(dict(min_area=64), dict(min_area=32))
        'min_area was 64 and is 32'
    """
    old, new = dict(_leaves(before)), dict(_leaves(now))
    listed = [
        f'{name} was {_text(old, name)} and is {_text(new, name)}'
        for name in {**old, **new}
        if name not in old or name not in new or old[name] != new[name]
    ]
    return name_some(listed, _LISTED)


def _joined(name: str, key: Any) -> str:
    return f'{name}.{key}' if name else str(key)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _text(values: dict[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else _MISSING


def _leaves(value: Any, name: str = '') -> list[tuple[str, Any]]:
    """Returns single values, and empty lists, by their dotted names."""
    if not isinstance(value, (dict, list)) or (name and not value):
        return [(name, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [
        leaf
        for key, child in items
        for leaf in _leaves(child, _joined(name, key))
    ]
