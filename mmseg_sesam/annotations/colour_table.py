"""Reads the tables of names and colours that annotation tools write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from mmseg_sesam.annotations.files import shown

Colour = tuple[int, ...]

_FORM = (
    "a name and R, G, B, such as 'road,128,64,128' or 'road = #804080', and "
    'no other number beside these'
)
_GAP = r'\s*(?:[,;:]\s*|\s)'
_RGB = rf'[(\[]?\s*\d{{1,3}}(?:{_GAP}\d{{1,3}}){{2}}\s*[)\]]?'
_HEX = '#[0-9a-fA-F]{6}'
_COLOUR = rf'(?P<colour>{_RGB}|{_HEX})'
_BETWEEN = r'(?:\s*[=:,;]\s*|\s+)'
# A name has no quotes or brackets, as JSON and other languages have.
_NAME = (
    r'"?(?P<name>[^\s"\'{}\[\]=:,;#](?:[^"{}\[\]=:,;#]*[^\s"{}\[\]=:,;#])?)"?'
)
_LINES = (
    # CVAT appends ':parts:actions' to the colour; CamVid, the name.
    re.compile(rf'{_NAME}{_BETWEEN}{_COLOUR}(?::[^:]*:[^:]*)?[\s,;]*'),
    re.compile(rf'{_COLOUR}{_BETWEEN}{_NAME}'),
)
_NUMBERS = re.compile(r'(?<!\w)\d+(?:[\s,;:]+\d+){3,}(?!\w)')


def read_colour(text: str) -> Colour | None:
    """Reads 'R,G,B' or '#rrggbb'; returns None if the text is no colour.

    Raises:
        ValueError: a number is above 255.

    Example:
        >>> read_colour('#804080')
        (128, 64, 128)
    """
    text = text.strip()
    if re.fullmatch(_HEX, text):
        return tuple(bytes.fromhex(text[1:]))
    if not re.fullmatch(_RGB, text):
        return None
    rgb = tuple(map(int, re.findall(r'\d+', text)))
    if max(rgb) > 255:
        raise ValueError(f'has the colour {rgb}, expected 0 to 255')
    return rgb


def read_colour_table(path: Path) -> list[tuple[str, Colour]]:
    """Reads a text file with a name and a colour in each line, or JSON.

    JSON is an object of colours by name, or a list of objects with `name`
    and `color`, as CVAT exports the labels of a task.

    Args:
        path: path of the file.

    Returns:
        Names and colours in the order of the file; several colours may have
        one name.

    Raises:
        ValueError: a line is something else, or a colour has two names.
    """
    try:
        text = path.read_text(encoding='utf-8-sig')
    except ValueError as error:
        raise ValueError(
            f'{path} cannot be read as text ({error}), expected a table of '
            f'{_FORM}; give its file.'
        ) from error
    entries = _json if text.lstrip()[:1] in ('{', '[') else _lines
    table: dict[Colour, str] = {}
    for where, name, colour in entries(text, path):
        if not name or table.setdefault(colour, name) != name:
            raise ValueError(
                f'{where} gives the colour {colour} to {name!r}, expected one '
                'name for each colour; correct the table.'
            )
    if not table:
        raise ValueError(
            f'{path} holds no colour, expected in each line {_FORM}; correct '
            'the table.'
        )
    return [(name, colour) for colour, name in table.items()]


def _lines(text: str, path: Path) -> Iterator[tuple[str, str, Colour]]:
    """Yields place, name and colour of each line."""
    for number, line in enumerate(text.splitlines(), 1):
        where = f'{path}, line {number}'
        found = _match(line.strip())
        heading = number == 1 and not re.search(r'\d', line)
        if found:
            yield where, found[0], _checked(found[1], where, line)
        elif line.strip() and not line.startswith('#') and not heading:
            raise _unknown(where, line)


def _match(line: str) -> tuple[str, str] | None:
    """Returns name and colour of a line; an empty name if it has none."""
    if re.fullmatch(f'{_RGB}|{_HEX}', line):
        return '', line
    # A fourth number may be an id or part of a name such as "Level 2".
    if _NUMBERS.search(line):
        return None
    found = next(filter(None, (form.fullmatch(line) for form in _LINES)), None)
    return (found['name'], found['colour']) if found else None


def _json(text: str, path: Path) -> Iterator[tuple[str, str, Colour]]:
    """Yields place, name and colour of each entry of JSON."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f'{path}, line 1 begins JSON that cannot be read ({error}), '
            f'expected {_FORM}; correct the table.'
        ) from error
    entries = content.items() if isinstance(content, dict) else content
    for entry in entries:
        if isinstance(entry, dict):
            entry = entry.get('name'), entry.get('color')
        name, colour = entry if isinstance(entry, tuple) else (None, entry)
        where = f'{path}, {shown(name)}'
        if isinstance(colour, list):
            colour = ','.join(map(str, colour))
        if not isinstance(name, str) or not isinstance(colour, str):
            raise ValueError(
                f'{where} has {shown(colour)}, expected an object of colours '
                'by name, such as {"road": [128, 64, 128]}, or a list of '
                '{"name": "road", "color": "#804080"}; correct the table.'
            )
        yield where, name, _checked(colour, where, colour)


def _checked(colour: str, where: str, line: str) -> Colour:
    try:
        found = read_colour(colour)
    except ValueError as error:
        raise ValueError(f'{where} {error}; correct the table.') from None
    if found is None:
        raise _unknown(where, line)
    return found


def _unknown(where: str, line: str) -> ValueError:
    return ValueError(
        f'{where} is {shown(line)}, expected {_FORM}; correct the table.'
    )
