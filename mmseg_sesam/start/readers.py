"""How annotations are read: format, classes, and widths of lines."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, Callable, NamedTuple

from mmseg_sesam.annotations.base import Annotation, AnnotationReader, Item
from mmseg_sesam.annotations.convert import SUMMARY
from mmseg_sesam.annotations.files import shortened
from mmseg_sesam.annotations.shapes import NamedReader
from mmseg_sesam.io.names import nfc
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.start.detect import (
    check_several,
    detect_format,
    labels_in,
    open_reader,
)
from mmseg_sesam.start.label_kind import THIN, guess_kind, spaced

# The class of pixels without a shape in validation.
_GROUND = 'background'


class Role(Enum):
    """What annotations are for."""

    TRAINING = 'training'
    VALIDATION = 'validation'
    CORRECTIONS = 'corrections'


class Reading(NamedTuple):
    """How annotations are read.

    Attributes:
        format: name of the format; 'auto' finds it.
        classes: names of the classes. Empty for the training if the files
            say them.
        unlabelled: labels, or values of index images, that mean unlabelled.
        jobs: number of processes.
        renew: called before labels of other settings are removed.
        role: what the annotations are for. Shapes for validation leave
            pixels of a class 'background' around them, unless they are
            strokes or points. A correction that nobody changed counts for
            nothing, each other file belongs to an image, and labels may
            have been removed only.
    """

    format: str = 'auto'
    classes: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    jobs: int = 1
    renew: Callable[[], None] = lambda: None
    role: Role = Role.TRAINING


def open_annotations(
    images: Path, annotations: Path, reading: Reading
) -> AnnotationReader:
    """Returns a reader whose classes are known.

    Args:
        images: folder of the images.
        annotations: file or folder of the annotations.
        reading: how annotations are read.

    Raises:
        ValueError: the format is unknown or names no classes, or the
            classes have another order than those of the training.
    """
    name = reading.format
    name = detect_format(annotations) if name == 'auto' else name
    classes, unlabelled = reading.classes, reading.unlabelled
    if reading.role == Role.TRAINING:
        classes = classes or _converted_classes(annotations)
    else:
        _check_order(annotations, classes)
        if unlabelled:
            opened = open_reader(name, annotations, images, classes)
            unlabelled = _present(opened, reading)
    reader = open_reader(name, annotations, images, classes, unlabelled)
    if not reader.names:
        raise ValueError(
            f'{annotations} has the format {name}, which does not name the '
            'classes; give their names in the order of their ids with '
            '--classes.'
        )
    check_several(reader.names, annotations)
    return reader


def adapt(
    reader: AnnotationReader, items: list[Item], scale: float, role: Role
) -> tuple[AnnotationReader, str]:
    """Suits a reader to the size of the images and to the role.

    Args:
        reader: its classes are known.
        items: of the reader.
        scale: what `drawing_scale` returns. Thin lines, drawn that much
            wider, survive the scaling of training.
        role: what the annotations are for.

    Returns:
        The reader, and a warning about annotations, '' without one.
    """
    known = {field.name: field.default for field in fields(reader)}
    changes: dict[str, Any] = {}
    if 'classes' in known:
        changes['classes'] = tuple(reader.names)
    if isinstance(reader, NamedReader) and scale > 1:
        if 'width' in known:
            changes['width'] = round(scale * known['width'])
        if 'radius' in known:
            changes['radius'] = round(scale * (2 * known['radius'] + 1)) // 2
    reader = replace(reader, **changes)
    if role == Role.VALIDATION:
        return _fill_background(reader, items, scale)
    return reader, ''


def conversion_command(reader: AnnotationReader, out: Path) -> str:
    """Returns the command that converts as a reader does."""
    words = ['python', 'tools/convert_annotations.py', reader.name]
    words += [*map(str, reader.sources), str(out)]
    for field in fields(reader):
        value = getattr(reader, field.name)
        if not field.metadata or value == field.default:
            continue
        values = value if isinstance(value, tuple) else (value,)
        words += [f'--{field.name}', *map(str, values)]
    return shlex.join(words)


def _converted_classes(annotations: Path) -> tuple[str, ...]:
    """Returns the classes of a folder that `convert` wrote, else none."""
    path = annotations / SUMMARY
    if not path.is_file():
        return ()
    # The file of another tool names no classes.
    try:
        summary = json.loads(path.read_text(encoding='utf-8'))
        return tuple(nfc(str(one['name'])) for one in summary['classes'])
    except (KeyError, TypeError, ValueError):
        return ()


def _check_order(src: Path, expected: tuple[str, ...]) -> None:
    """Raises if converted labels have the same classes in another order."""
    found = _converted_classes(src)
    if found != expected and sorted(found) == sorted(expected):
        raise ValueError(
            f'{src} has labels of the classes {", ".join(found)}, expected '
            f'the order of the training, {", ".join(expected)}; give '
            '--classes in the order of these labels, or convert them again '
            'with --classes in that of the training.'
        )


def _present(opened: AnnotationReader, reading: Reading) -> tuple[str, ...]:
    """Returns the unlabelled values that a part of the images has."""
    items, _ = opened.items()
    if reading.role == Role.CORRECTIONS:
        items = [item for item in items if not opened.is_unchanged(item)]
    found = labels_in(opened, items)
    return tuple(value for value in reading.unlabelled if value in found)


def _fill_background(
    reader: AnnotationReader, items: list[Item], scale: float
) -> tuple[AnnotationReader, str]:
    """Makes the undrawn pixels of a reader of areas background.

    Beside strokes and points lie pixels of all classes.

    Returns:
        The reader, and a warning about annotations, '' without one.

    Raises:
        ValueError: most images have areas, and others strokes or points alone.
    """
    if not isinstance(reader, NamedReader) or _GROUND not in reader.names:
        return reader, ''
    some = (found.label for found in _readable(reader, spaced(items)))
    if guess_kind(some, scale) in THIN:
        return reader, ''
    warning = _check_areas(reader, items, scale)
    return replace(reader, undrawn=_GROUND), warning


def _check_areas(reader: NamedReader, items: list[Item], scale: float) -> str:
    """Returns a warning of images that may be more than background, else ''.

    Raises:
        ValueError: images have strokes or points alone.
    """
    ground = reader.names.index(_GROUND)
    thin, doubtful, bare = [], [], []
    for item in Progress(items, desc='reading validation labels', delay=2):
        for found in _readable(reader, [item]):
            if not found.line_ids | found.area_ids:
                # Shapes that mean unlabelled leave no class either.
                if not {*reader.names_of(item)} & {*reader.unlabelled}:
                    bare.append(item.where)
            elif not found.area_ids:
                thin.append(item.where)
            # A brush may have painted these shapes, or the objects are thin.
            elif (
                found.line_ids - {ground}
                or guess_kind([found.label], scale) == 'scribble'
            ):
                doubtful.append(item.where)
    if thin:
        raise ValueError(
            f'{shortened(thin)}: {len(thin)} of {len(items)} images for '
            'validation have only strokes or points, expected areas as in the '
            'others, since pixels without a shape count as background; draw '
            'polygons along the edges, or take these annotations out of --val.'
        )
    warnings = []
    if doubtful:
        warnings.append(
            f'{shortened(doubtful)}: {len(doubtful)} of {len(items)} images '
            'for validation have lines, points or shapes like strokes, and '
            'pixels without a shape count as background; where an object is '
            'larger than its shape, draw a polygon along its edges, or take '
            'the annotation out of --val.'
        )
    if bare:
        warnings.append(
            f'{shortened(bare)}: {len(bare)} of {len(items)} images for '
            'validation have no labelled pixel and count wholly as '
            'background; take those that nobody annotated out of --val.'
        )
    return ' '.join(warnings)


def _readable(
    reader: AnnotationReader, items: list[Item]
) -> Iterator[Annotation]:
    """Yields annotations; the conversion names those that are damaged."""
    for item in items:
        with suppress(ValueError, OSError):
            yield reader.read(item)
