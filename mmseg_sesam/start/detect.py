"""Finds the format of annotations."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.annotations.base import READERS, AnnotationReader, Item
from mmseg_sesam.annotations.convert import SUMMARY
from mmseg_sesam.annotations.files import read_index, shortened
from mmseg_sesam.annotations.readers.index_png import IndexPngReader
from mmseg_sesam.annotations.shapes import NamedReader
from mmseg_sesam.io.suggestions import SUGGESTIONS

# Endings of the formats that keep all images in one file.
_ONE_FILE = {'coco': '.json', 'label-studio': '.json'}
_TOOL = 'tools/convert_annotations.py'


def check_annotations(src: Path) -> None:
    """Checks a path of annotations; no annotation is read.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is the folder of tools/suggest.py, which holds the
            same labels in several formats.
    """
    if not src.exists():
        raise FileNotFoundError(
            f'{src} does not exist; give the file or the folder of the '
            'annotations.'
        )
    if (src / SUGGESTIONS).is_file():
        found = [str(src / name) for name in READERS if (src / name).is_dir()]
        raise ValueError(
            f'{src} is the folder of tools/suggest.py, expected the one of '
            'its folders in which you corrected labels; give '
            f'{" or ".join(sorted(found)) or "that folder"}.'
        )


def detect_format(src: Path) -> str:
    """Returns the name of the one format that recognises the annotations.

    Args:
        src: file or folder of the annotations.

    Raises:
        FileNotFoundError: `src` does not exist.
        ValueError: no reader recognises `src`, or several do.
    """
    check_annotations(src)
    names = [name for name in sorted(READERS) if READERS[name].recognises(src)]
    if len(names) > 1 and 'index-png' in names:
        # Cityscapes, and perhaps other formats, consist of such images.
        names.remove('index-png')
    if len(names) != 1:
        found = f'looks like {" and ".join(names)}' if names else 'is unknown'
        raise ValueError(
            f'The format of {src} {found}, expected one of '
            f'{", ".join(sorted(READERS))}; name it with --format, or convert '
            f'the annotations with {_TOOL} and give its folder.'
        )
    return names[0]


def prefer_format(src: Path, preferred: str) -> str:
    """Returns the preferred format, or the one that suits `src` better.

    Labels of validation and corrected labels may have another format than
    those of the training. Index images do not say what their ids mean, so
    that a preferred format which reads the files is kept, but for those
    that `convert` wrote.

    Args:
        src: file or folder of the annotations.
        preferred: name of the format of the training; 'auto' prefers none.

    Raises:
        FileNotFoundError: `src` does not exist.
        ValueError: no format is preferred, and none is found.
    """
    if preferred == 'auto':
        return detect_format(src)
    reader = READERS[preferred]
    if reader.recognises(src):
        return preferred
    with suppress(ValueError):
        found = detect_format(src)
        is_converted = (src / SUMMARY).is_file()
        if found != IndexPngReader.name or is_converted:
            return found
        if not (reader.label_images and _lists_items(preferred, src)):
            return found
    return preferred


def open_reader(
    name: str,
    src: Path,
    images: Path,
    classes: tuple[str, ...] = (),
    unlabelled: tuple[str, ...] = (),
) -> AnnotationReader:
    """Returns a reader whose classes are known.

    Without `classes`, the names are those that the files list, or the labels
    of all shapes: 'background' first, the others in order of name.

    Args:
        name: name of the format.
        src: file or folder of the annotations.
        images: folder of the images.
        classes: names of the classes in the order of their ids.
        unlabelled: labels, or values of index images, that mean unlabelled.

    Raises:
        ValueError: the format needs an option that has no default, or does
            not have a given one.
        OSError: a file cannot be read.
    """
    reader = READERS[name]
    needed = [
        f'--{field.name}'
        for field in fields(reader)
        if field.metadata.get('required')
    ]
    if needed:
        raise ValueError(
            f'{src} has the format {name}, which needs {", ".join(needed)}; '
            f'convert it with `python {_TOOL} {name}`, and give the folder '
            'of the label files as annotations.'
        )
    src = _single_file(name, src)
    options = dict(src=src, images=images)
    if unlabelled:
        options['unlabelled'] = _read_unlabelled(reader, unlabelled)
    if classes and 'classes' in {field.name for field in fields(reader)}:
        return reader(classes=tuple(classes), **options)
    opened = reader(**options)
    if classes and tuple(opened.names) != tuple(classes):
        raise ValueError(
            f'{src} has the format {name}, whose classes are '
            f'{shortened(opened.names)}, expected {shortened(classes)}; give '
            'annotations of these classes, or leave --classes out.'
        )
    if isinstance(opened, NamedReader):
        items, _ = opened.items()
        if not opened.names:
            labels = labels_in(opened, items) - {*opened.unlabelled}
            return reader(classes=_ordered(labels, src), **options)
    return opened


def has_photos(name: str, src: Path, folder: Path) -> bool:
    """Returns whether a folder holds photos of the annotations `src`.

    Images of a format of label images are no photos.

    Args:
        name: name of the format.
        src: file or folder of the annotations.
        folder: folder that may hold the photos.
    """
    return not READERS[name].label_images and _lists_items(name, src, folder)


def labels_in(reader: AnnotationReader, items: Iterable[Item]) -> set[str]:
    """Returns the labels of all shapes, or the values of index images."""
    if isinstance(reader, NamedReader):
        return {label for item in items for label in reader.names_of(item)}
    if isinstance(reader, IndexPngReader):
        values = (np.unique(read_index(item.source).values) for item in items)
        return {str(value) for found in values for value in found.tolist()}
    return set()


def check_several(names: Collection[str], src: Path) -> None:
    """Checks that annotations have two classes or more.

    Raises:
        ValueError: they have less.
    """
    if len(names) < 2:
        raise ValueError(
            f'{src} has shapes of {", ".join(sorted(names)) or "no class"}, '
            'expected two classes or more; label some background too, or '
            'name all classes with --classes.'
        )


def _read_unlabelled(
    reader: type[AnnotationReader], values: tuple[str, ...]
) -> tuple[Any, ...]:
    """Returns --unlabelled as the reader takes it."""
    if not hasattr(reader, 'unlabelled'):
        raise ValueError(
            f'--unlabelled is given, and the format {reader.name} knows what '
            'is unlabelled; leave --unlabelled out.'
        )
    if reader is not IndexPngReader:
        return values
    try:
        return tuple(map(int, values))
    except ValueError:
        raise ValueError(
            f'--unlabelled has {" ".join(values)}, expected values of pixels '
            'such as 21, as the annotations are index images.'
        ) from None


def _single_file(name: str, src: Path) -> Path:
    """Returns the one file of a folder, for a format of one file."""
    if name not in _ONE_FILE or src.is_file():
        return src
    found = sorted(src.glob(f'*{_ONE_FILE[name]}'))
    if len(found) != 1:
        raise ValueError(
            f'{src} holds {len(found)} files *{_ONE_FILE[name]}, expected one '
            f'of the format {name}; give the file itself.'
        )
    return found[0]


def _lists_items(name: str, src: Path, images: Path | None = None) -> bool:
    """Returns whether a format finds annotations, and images if asked for."""
    try:
        reader = READERS[name](_single_file(name, src), images=images)
        items, _ = reader.items()
    except ValueError:
        # Damaged files raise again where they are read.
        return False
    return bool(items)


def _ordered(labels: set[str], src: Path) -> tuple[str, ...]:
    """Returns names of classes, 'background' first."""
    check_several(labels, src)
    return tuple(sorted(labels, key=lambda name: (name != 'background', name)))
