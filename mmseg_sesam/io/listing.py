"""Listing the files of a folder, and what images and labels end in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Of the formats that `open_image` opens.
IMAGE_SUFFIXES = (
    *('.bmp', '.jp2', '.jpeg', '.jpg', '.pgm', '.png', '.ppm'),
    *('.tif', '.tiff', '.webp'),
)
# Those that keep class ids as they are.
LABEL_SUFFIXES = ('.bmp', '.pgm', '.png', '.tif', '.tiff')


def list_files(
    folder: str | Path, ending: str | tuple[str, ...] = ''
) -> list[Path]:
    """Lists the files of a folder at any depth.

    Links to folders are entered, as mmseg's data sets enter them, unless
    they lead back to where they lie. What systems and programs hide is left
    out, such as '._a.png' and '.ipynb_checkpoints'.

    Args:
        folder: to be listed.
        ending: of the names, such as '.xml', in small or capital letters;
            of several, any one.

    Returns:
        Paths that begin with `folder`, in ascending order.
    """
    endings = (ending,) if isinstance(ending, str) else ending
    endings = tuple(map(str.lower, endings))
    return [
        path
        for path in _walk(Path(folder), frozenset())
        if path.name.lower().endswith(endings)
    ]


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above or not folder.is_dir():
        return
    # Entries know what they are; paths would ask the disk for each.
    with os.scandir(folder) as entries:
        entries = sorted(entries, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith('.'):
            continue
        if entry.is_dir():
            yield from _walk(folder / entry.name, above | {here})
        elif entry.is_file():
            yield folder / entry.name
