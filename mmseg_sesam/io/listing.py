"""Lists the files of a folder; suffixes of images and labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

# Suffixes of the formats that `open_image` opens.
IMAGE_SUFFIXES = (
    *('.bmp', '.jfif', '.jp2', '.jpeg', '.jpg', '.pgm', '.png'),
    *('.ppm', '.tif', '.tiff', '.webp'),
)
# Suffixes of lossless formats, which keep class ids.
LABEL_SUFFIXES = ('.bmp', '.pgm', '.png', '.tif', '.tiff')


def list_files(
    folder: str | Path, ending: str | tuple[str, ...] = ''
) -> list[Path]:
    """Returns the files of a folder at any depth, in ascending order.

    Links to folders are followed, as in mmseg's data sets, unless they lead
    back to a folder above. Hidden files such as '._a.png' and hidden folders
    such as '.ipynb_checkpoints' are left out.

    Args:
        folder: folder with which the paths begin.
        ending: end of the names in any case, such as '.xml', or several.
    """
    endings = (ending,) if isinstance(ending, str) else ending
    endings = tuple(map(str.lower, endings))
    return [
        path
        for path in _walk(Path(folder), frozenset())
        if path.name.lower().endswith(endings)
    ]


def list_keyed_files(
    src: Path,
    endings: str | tuple[str, ...],
    without: Iterable[Path] = (),
) -> list[tuple[str, Path]]:
    """Returns key and path of each file of a folder, or of the one file.

    Args:
        src: folder or file.
        endings: endings of the names.
        without: folders, those below `src` of which are left out.
    """
    if src.is_file():
        return [(src.stem, src)]
    paths = list_files(src, endings)
    folders = {folder.resolve() for folder in without}
    if folders := {f for f in folders if src.resolve() in f.parents}:
        paths = [p for p in paths if folders.isdisjoint(p.resolve().parents)]
    return [
        (path.relative_to(src).with_suffix('').as_posix(), path)
        for path in paths
    ]


def is_empty_or_absent(folder: Path) -> bool:
    """Returns whether files can be written to a folder and replace none."""
    if folder.is_dir():
        return not any(folder.iterdir())
    return not folder.exists()


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above or not folder.is_dir():
        return
    # Entries hold their type; a path would ask the disk for it.
    with os.scandir(folder) as entries:
        entries = sorted(entries, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith('.'):
            continue
        if entry.is_dir():
            yield from _walk(folder / entry.name, above | {here})
        elif entry.is_file():
            yield folder / entry.name
