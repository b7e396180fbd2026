"""Compares the palettes of index images."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from mmseg_sesam.core.bands import count_values
from mmseg_sesam.io.images import decoding
from mmseg_sesam.io.terminal import Progress

Colour = tuple[int, ...]
_REMEDY = (
    'a program may have sorted the palette when it wrote the file again; '
    'then use the format color-png, or give --map if the values are right'
)


def check_palettes(
    paths: Iterable[Path],
    void: Collection[int],
    names: Sequence[str] = (),
    palette: Sequence[Sequence[int]] = (),
) -> None:
    """Checks that values have the same colours in all files of a data set.

    Programs that write a palette image again, such as optimisers of PNG, may
    sort its palette: colours stay, and values become those of other classes.

    Args:
        paths: index images; grey ones have no palette.
        void: values that mean unlabelled, in whatever colours.
        names: names of the classes of a known data set.
        palette: their RGB colours.

    Raises:
        ValueError: a value has two colours, or it has the colour of another
            class, and most colours of the files are those of classes.
    """
    keys, tables = _read_palettes(paths)
    known = [*map(tuple, palette)]
    # In most data sets this is known without the pixels.
    if not _may_differ([*tables.values()], void, known):
        return
    used: dict[int, tuple[Colour, Path]] = {}
    for path, value in _used_values(keys):
        table = tables[keys[path]]
        if value in void or value >= len(table):
            continue
        colour = table[value]
        first, other = used.setdefault(value, (colour, path))
        if first != colour:
            raise ValueError(
                f'{path} shows the value {value} in the colour {colour}, and '
                f'{other} in {first}, expected one colour; {_REMEDY}.'
            )
    # Another palette may have a few of these colours by chance.
    if sum(colour in known for colour, _ in used.values()) <= len(used) / 2:
        return
    for value, (colour, path) in used.items():
        if _is_of_another(value, colour, known):
            index = known.index(colour)
            raise ValueError(
                f'{path} shows the value {value} in the colour {colour}, '
                f'expected {index}, the value of {names[index]!r}; {_REMEDY}.'
            )


def _read_palettes(
    paths: Iterable[Path],
) -> tuple[dict[Path, bytes], dict[bytes, list[Colour]]]:
    """Returns the key of each file's palette, and the colours by key."""
    keys, tables = {}, {}
    for path in Progress(paths, desc='reading palettes', delay=2):
        # Whoever reads the pixels of a damaged file raises.
        with suppress(OSError, ValueError), decoding(path, path, '') as image:
            if image.mode != 'P':
                continue
            key = keys[path] = bytes(image.palette.palette)
            if key not in tables:
                tables[key] = [*zip(*[iter(image.getpalette())] * 3)]
    return keys, tables


def _may_differ(
    tables: Sequence[list[Colour]],
    void: Collection[int],
    known: Sequence[Colour],
) -> bool:
    """Returns whether some palette may be a wrong one."""
    for value in {*range(256)} - {*void}:
        colours = {table[value] for table in tables if value < len(table)}
        if len(colours) > 1:
            return True
        if any(_is_of_another(value, colour, known) for colour in colours):
            return True
    return False


def _is_of_another(
    value: int, colour: Colour, known: Sequence[Colour]
) -> bool:
    """Returns whether a colour is that of a class of another value."""
    return colour in known and known[value : value + 1] != [colour]


def _used_values(paths: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Yields the values that the pixels of each file have."""
    for path in Progress(paths, desc='comparing palettes', delay=2):
        values = []
        with suppress(OSError, ValueError), decoding(path, path, '') as image:
            values = np.flatnonzero(count_values(np.array(image))).tolist()
        for value in values:
            yield path, value
