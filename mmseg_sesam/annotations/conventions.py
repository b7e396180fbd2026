"""Recognises annotation files of formats other than the one asked for.

`conventions.json` lists conventions by the kind of their files. An entry has
alternative patterns of the content: for JSON see `_fits`; for XML the root or
'root/path/of/an/element'; for text a regular expression of the first line, or
with $ of every line; for binary files the first bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mmseg_sesam.annotations.files import read_json, read_xml
from mmseg_sesam.io.listing import list_files

# Number of files of a folder that are looked at, with these suffixes.
_FILES = 20
_SUFFIXES = (
    *('.json', '.ndjson', '.jsonl', '.geojson', '.xml'),
    *('.txt', '.csv', '.mat', '.npy'),
)


def foreign(path: Path, name: str) -> str | None:
    """Returns a sentence if a file or folder follows another convention.

    The sentence names a remedy. It is None if the convention is unknown, or a
    file has the format `name` of the reader that could not read it.
    """
    said = None
    for file, found in _conventions_of(path):
        if found.get('format') == name:
            return None
        if not said:
            remedy = found.get('remedy') or f'use the format {found["format"]}'
            said = (
                f'{file} looks like {found["name"]}, expected the format '
                f'{name}; {remedy}.'
            )
    return said


def find_format(path: Path) -> str | None:
    """Returns the format of the first file whose convention is known.

    None if no file is known, or if no reader reads its convention.
    """
    known = (found.get('format') for _, found in _conventions_of(path))
    return next(known, None)


def _conventions_of(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yields a file, or the first files of a folder, if they are known."""
    files = list_files(path, _SUFFIXES)[:_FILES] if path.is_dir() else [path]
    for file in files:
        with suppress(OSError, ValueError):
            stat = file.stat()
            found = _recognise(file, stat.st_size, stat.st_mtime_ns)
            if found:
                yield file, found


@cache
def _conventions() -> dict[str, list[dict[str, Any]]]:
    path = Path(__file__).with_suffix('.json')
    return json.loads(path.read_text(encoding='utf-8'))


# Each format asks for the convention of the same files, which may be large.
@lru_cache(_FILES)
def _recognise(path: Path, *_: int) -> dict[str, Any] | None:
    """Returns the convention of a file of a certain size and time."""
    with path.open('rb') as file:
        head = file.read(512).removeprefix(b'\xef\xbb\xbf').lstrip()
    if head.startswith(b'<'):
        kind, content, fits = 'xml', read_xml(path), _fits_xml
    elif head.startswith((b'{', b'[')):
        kind, content, fits = 'json', _read_json(path), _fits
    elif b'\0' in head or head.startswith(b'MATLAB'):
        kind, content, fits = 'binary', head.decode('latin-1'), str.startswith
    else:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
        kind, content, fits = 'text', [*filter(None, lines)], _fits_text
    for convention in _conventions()[kind]:
        if any(fits(content, pattern) for pattern in convention['patterns']):
            return convention
    return None


def _read_json(path: Path) -> Any:
    """Returns a JSON value, or the list of the values of all lines."""
    try:
        return read_json(path)
    except ValueError:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
        try:
            return [json.loads(line) for line in lines if line.strip()]
        except RecursionError as error:
            raise ValueError(f'{path} is nested too deeply') from error


def _fits(value: Any, pattern: Any) -> bool:
    """Returns whether a JSON value fits a pattern.

    A list of names fits an object with these keys; a dict fits a value whose
    parts fit, where '[]' is the first entry of a list and '{}' the first
    value of an object; and a string fits itself.
    """
    if isinstance(pattern, list):
        return isinstance(value, dict) and {*pattern} <= {*value}
    if isinstance(pattern, dict):
        return all(_fits(_part(value, key), pattern[key]) for key in pattern)
    return value == pattern


def _part(value: Any, key: str) -> Any:
    if key == '[]':
        return value[0] if isinstance(value, list) and value else None
    if not isinstance(value, dict):
        return None
    return next(iter(value.values()), None) if key == '{}' else value.get(key)


def _fits_xml(root: Any, pattern: str) -> bool:
    tag, _, path = pattern.partition('/')
    return root.tag == tag and root.find(path or '.') is not None


def _fits_text(lines: list[str], pattern: str) -> bool:
    checked = lines if pattern.endswith('$') else lines[:1]
    return bool(lines) and all(re.match(pattern, line) for line in checked)
