"""Options as JSON values, by which they are stored and compared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

_PLAIN = str, int, float, type(None)


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


def _joined(name: str, key: Any) -> str:
    return f'{name}.{key}' if name else str(key)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
