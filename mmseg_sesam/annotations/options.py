"""Options of readers: each is a field, a rule and an argument of the tool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from mmseg_sesam import validators
from mmseg_sesam.io.names import nfc
from mmseg_sesam.validators import Rule, one_of


def list_of(kind: type, expected: str) -> Rule:
    """Returns the rule of a list or tuple of values of one type."""
    return Rule(
        lambda values: (
            isinstance(values, (list, tuple))
            and all(isinstance(value, kind) for value in values)
        ),
        expected,
    )


NAMES = list_of(str, 'a list of names')
# Options that name classes.
CLASS_OPTIONS = ('classes', 'unlabelled', 'undrawn', 'map')


def spell_alike(value: Any) -> Any:
    r"""Returns names of classes with each accent in its letter; else `value`.

    Systems write an accent within its letter or after it, and nobody sees
    the difference: both are one class.

    Example:
        >>> spell_alike(['cafe\u0301', 21]) == ['caf\xe9', 21]
        True
    """
    if isinstance(value, (list, tuple)):
        return type(value)(map(spell_alike, value))
    return nfc(value) if isinstance(value, str) else value


def option(default: Any, text: str, rule: Rule, **arguments: Any) -> Any:
    """Declares an option of a reader, a field of the dataclass.

    Args:
        default: value of the field.
        text: help of the command line.
        rule: checked when the reader is built.
        **arguments: further arguments of `ArgumentParser.add_argument`.

    Example:
        >>> from mmseg_sesam.validators import count
        >>> width = option(3, 'width of lines', count(1, 255), type=int)
    """
    if default not in (None, ()):
        text += ' (default: %(default)s)'
    return validators.option(default, rule, help=text, **arguments)


def choice(default: Any, values: Sequence[str], text: str, **more: Any) -> Any:
    """Declares an option of a few values; see `option`."""
    return option(default, text, one_of(values), choices=values, **more)


def arguments_of(reader: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each option of a reader with its arguments of the parser."""
    for field in fields(reader):
        if field.metadata:
            arguments = dict(field.metadata, default=field.default)
            del arguments['rule']
            yield f'--{field.name}', arguments
