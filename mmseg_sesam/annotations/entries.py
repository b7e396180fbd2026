"""Joins several entries of one image in a file of many images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmseg_sesam.annotations.files import shown

if TYPE_CHECKING:
    from mmseg_sesam.annotations.base import Item


def join_entries(items: Iterable[Item]) -> tuple[list[Item], list[str]]:
    """Returns annotations with one entry an image, and keys of joined ones.

    A file may list an image twice, such as a Label Studio project into which
    it was imported twice. Lists of shapes are joined in the file's order.

    Raises:
        ValueError: another value of an image, such as its size, differs.
    """
    joined: dict[tuple[str, str], Item] = {}
    twice: dict[str, None] = {}
    for item in items:
        place = item.key, item.where
        if item.data and place in joined:
            item = replace(item, data=_join(joined[place], item))
            twice[item.key] = None
        joined[place] = item
    return [*joined.values()], [*twice]


def _join(one: Item, two: Item) -> dict[str, Any]:
    """Returns the data of two entries of one image."""
    data = dict(one.data)
    for key, value in two.data.items():
        if isinstance(value, list):
            data[key] = data[key] + value
        elif data[key] != value:
            raise ValueError(
                f'{one.where} has two entries, with {key}={shown(data[key])} '
                f'and {key}={shown(value)}, expected equal ones to join '
                'their shapes; correct or remove one of them.'
            )
    return data
