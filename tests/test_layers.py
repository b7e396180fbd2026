"""Imports between the package's folders point downwards only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mmseg_sesam

PACKAGE = Path(mmseg_sesam.__file__).parent

# From the bottom up; folders of one row know nothing of each other.
LAYERS = [
    [
        *('version', 'extras', 'compat', 'validators', 'type_names'),
        'structures',
    ],
    ['registration', 'io'],
    ['core', 'street_scenes'],
    ['segmenters', 'store', 'annotations', 'models'],
    ['pseudo_labels', 'datasets'],
    ['evaluation', 'rounds', 'config_checks'],
    ['visualization'],
    ['engine'],
    ['cli', 'report', 'start'],
    ['suggest'],
]
LEVEL = {room: level for level, row in enumerate(LAYERS) for room in row}
FILES = sorted(PACKAGE.glob('**/*.py'))


def room_of(path: Path) -> str:
    """Returns the folder of a file, or its own name at the top."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported_rooms(path: Path) -> Iterator[str]:
    """Yields the rooms of the package that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        names = []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [f'{node.module}.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split('.')
            if parts[0] == 'mmseg_sesam' and len(parts) > 1:
                yield parts[1]


@pytest.mark.parametrize(
    'path', FILES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_point_downwards(path: Path) -> None:
    own = room_of(path)
    if own == '__init__':
        pytest.skip('the top of the package')
    upward = {
        room
        for room in imported_rooms(path)
        if room != own and LEVEL[room] >= LEVEL[own]
    }
    assert not upward - (set(LAYERS[0]) if own in LAYERS[0] else set())


def test_layers_hold_every_folder() -> None:
    assert {room_of(path) for path in FILES} - {'__init__'} == set(LEVEL)
