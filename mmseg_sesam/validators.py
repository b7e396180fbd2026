"""Rules for the options of components, checked when one is built."""

from __future__ import annotations

import dataclasses
import operator
import os
import re
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Callable, NamedTuple


class Rule(NamedTuple):
    """The values that an option may have.

    Attributes:
        allows: whether it may have a value, of whatever type.
        expected: the same in words, for messages.
    """

    allows: Callable[[Any], bool]
    expected: str

    def or_none(self) -> Rule:
        """Allows None as well."""
        return Rule(
            lambda value: value is None or self.allows(value),
            f'{self.expected}, or None',
        )

    def or_several(self) -> Rule:
        """Allows a sequence of such values as well."""
        return Rule(
            lambda value: (
                len(value) > 0 and all(map(self.allows, value))
                if isinstance(value, Sequence) and not isinstance(value, str)
                else self.allows(value)
            ),
            f'{self.expected}, or several',
        )


def number(
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Rule:
    """A finite number within limits."""
    limits = [
        (words, limit, holds)
        for words, limit, holds in (
            ('at least', at_least, operator.ge),
            ('at most', at_most, operator.le),
            ('above', above, operator.gt),
            ('below', below, operator.lt),
        )
        if limit is not None
    ]

    def allows(value: Any) -> bool:
        return (
            isinstance(value, Real)
            and not isinstance(value, bool)
            # Neither infinite nor undefined.
            and value - value == 0
            and all(holds(value, limit) for _, limit, holds in limits)
        )

    words = ' and '.join(f'{words} {limit}' for words, limit, _ in limits)
    return Rule(allows, f'a finite number {words}')


def count(at_least: int = 0, at_most: int | None = None) -> Rule:
    """A whole number within limits."""
    rule = number(at_least, at_most)
    return Rule(
        lambda value: isinstance(value, Integral) and rule.allows(value),
        rule.expected.replace('a finite', 'a whole'),
    )


def one_of(values: Sequence[Any]) -> Rule:
    """One of a few values."""
    return Rule(lambda value: value in values, f'one of {tuple(values)}')


# Key of a field's rule in its metadata.
_RULE = 'rule'

SHARE = number(at_least=0, at_most=1)
FLAG = Rule(lambda value: isinstance(value, bool), 'True or False')
NAME = Rule(lambda value: isinstance(value, str), 'a name')
PATH = Rule(
    lambda value: isinstance(value, (str, os.PathLike)) and bool(str(value)),
    'a path',
)
TEXT = Rule(lambda value: isinstance(value, str), 'a text')
SHA256 = Rule(
    lambda value: (
        isinstance(value, str)
        and re.fullmatch('[0-9a-fA-F]{64}', value) is not None
    ),
    '64 hex digits',
)
CONFIG = Rule(
    lambda value: isinstance(value, dict) and 'type' in value,
    'a config, a dict with a type',
)

CONFIGS = Rule(
    lambda value: (
        isinstance(value, (list, tuple)) and all(map(CONFIG.allows, value))
    ),
    'a list of configs, each a dict with a type',
)


def check_option(owner: str, name: str, value: Any, rule: Rule) -> None:
    """Raises ValueError, naming the owner, if a rule forbids the value."""
    if not rule.allows(value):
        raise ValueError(
            f'{owner} got {name}={value!r}, expected {rule.expected}.'
        )


def check_options(component: object, **rules: Rule) -> None:
    """Checks the attributes of a component that have the names of rules."""
    for name, rule in rules.items():
        value = getattr(component, name)
        check_option(type(component).__name__, name, value, rule)


def option(default: Any, rule: Rule, **facts: Any) -> Any:
    """Declares an option of a dataclass: its default and its rule together.

    Args:
        default: value of the option where a config gives none.
        rule: for its values, checked by `check_fields`.
        **facts: further metadata of the field, such as a help text.

    Example:
        >>> @dataclasses.dataclass
        ... class Schedule:
        ...     interval: int = option(1000, count(1))
        ...
        ...     def __post_init__(self) -> None:
        ...         check_fields(self)
        >>> Schedule(interval=0)
        Traceback (most recent call last):
        ...
        ValueError: Schedule got interval=0, expected a whole number...
    """
    return dataclasses.field(default=default, metadata={_RULE: rule, **facts})


def required(rule: Rule) -> Any:
    """Declares an option of a dataclass that has no default."""
    return dataclasses.field(metadata={_RULE: rule})


def check_fields(component: Any) -> None:
    """Checks every field that `option` or `required` declared.

    Call it in `__post_init__` of the dataclass.
    """
    check_options(component, **_rules(component))


def check_config_fields(config: dict, kind: type) -> None:
    """Checks the options in a config of a dataclass before it is built."""
    for name, rule in _rules(kind).items():
        if name in config:
            check_option(kind.__name__, name, config[name], rule)
    for field in dataclasses.fields(kind):
        if _is_required(field) and field.name not in config:
            raise ValueError(
                f'{kind.__name__} has no {field.name}, expected '
                f'{field.metadata[_RULE].expected}; set it.'
            )


def _is_required(field: dataclasses.Field) -> bool:
    return _RULE in field.metadata and field.default is dataclasses.MISSING


def _rules(dataclass: Any) -> dict[str, Rule]:
    return {
        field.name: field.metadata[_RULE]
        for field in dataclasses.fields(dataclass)
        if _RULE in field.metadata
    }
