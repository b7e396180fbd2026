"""Gathers images and labels, and converts the labels."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

from mmseg_sesam.annotations.base import (
    AnnotationReader,
    Item,
    list_keyed_files,
)
from mmseg_sesam.annotations.convert import SUMMARY, convert
from mmseg_sesam.annotations.files import shortened
from mmseg_sesam.annotations.journal import labelled_keys
from mmseg_sesam.annotations.shapes import NamedReader
from mmseg_sesam.io.images import image_size
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.io.listing import IMAGE_SUFFIXES
from mmseg_sesam.start.detect import detect_format, labels_in, open_reader
from mmseg_sesam.start.label_kind import THIN, guess_kind
from mmseg_sesam.start.sizes import drawing_scale, median_size

# Labels that are opened to guess their kind.
_SAMPLES = 50


class Reading(NamedTuple):
    """How annotations are read.

    Attributes:
        format: name of the format; 'auto' finds it.
        classes: names of the classes; empty for those in the files.
        unlabelled: labels, or values of index images, that mean unlabelled.
        jobs: number of processes.
        renew: called before labels of other settings are removed.
    """

    format: str = 'auto'
    classes: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    jobs: int = 1
    renew: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Material:
    """Images with labels as index PNGs, as training reads them.

    Attributes:
        images: folder of the images.
        suffix: how names of images end.
        labels: folder of the labels.
        labelled: names of images with a label, without suffix.
        unlabelled: names of the other images.
        size: median width and height of the images.
        classes: names of the classes in the order of their ids.
        palette: RGB of each class.
        kind: 'dense', 'coarse', 'scribble' or 'point'.
        command: the command that converts the labels.
        summary: the summary of the conversion.
        emptied: names of images whose annotation file has no shape, for
            formats with one file for each image. Other files also list
            images that nobody annotated.
        left_out: images without a label that end in another suffix.
        unchanged: names of images whose correction is as it was exported,
            and is left out.
    """

    images: Path
    suffix: str
    labels: Path
    labelled: list[str]
    unlabelled: list[str]
    size: tuple[int, int]
    classes: tuple[str, ...]
    palette: list[list[int]]
    kind: str
    command: str
    summary: dict
    emptied: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    left_out: tuple[Path, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of all images, in ascending order."""
        return sorted([*self.labelled, *self.unlabelled])

    def path(self, name: str) -> Path:
        """Returns the path of an image."""
        return self.images / f'{name}{self.suffix}'


def gather(
    images: Path,
    annotations: Path,
    out: Path,
    reading: Reading,
    like: Material | None = None,
    dense: bool = False,
    without: Sequence[Path] = (),
    corrected: bool = False,
) -> Material:
    """Converts annotations, and returns what they label.

    Args:
        images: their folder.
        annotations: file or folder of the annotations.
        out: folder of the labels.
        reading: how annotations are read.
        like: material with the same classes, of other annotations.
        dense: whether pixels without a shape are of a class 'background',
            unless the shapes are strokes or points.
        without: folders that hold no images to be trained on. Those of
            annotations and labels are left out anyway.
        corrected: annotations are corrections: one that nobody changed
            counts for nothing, each other file belongs to an image, and
            labels may have been removed only.

    Raises:
        ValueError: annotations are damaged, or do not fit the options.
    """
    name = reading.format
    name = detect_format(annotations) if name == 'auto' else name
    reader = _open(name, images, annotations, reading, like, corrected)
    items, missing = reader.items()
    _check_keys(reader, items)
    unchanged = set()
    if corrected:
        # A person looked at none of them: nothing in them is an error.
        unchanged = {item.key for item in items if reader.is_unchanged(item)}
        lost = [item for item in missing if not reader.is_unchanged(item)]
        _check_placed(annotations, images, lost)
    suffix = _common_suffix([item.image for item in items])
    size = median_size([image_size(item.image) for item in items])
    reader = _adapt(reader, size)
    if dense:
        reader = _fill_background(reader, items, drawing_scale(size))
    summary = convert(
        *(reader, out, reading.jobs),
        renew=reading.renew,
        corrections=corrected,
        without=unchanged,
    )
    # An export may list images that nobody annotated.
    found = labelled_keys(out)
    labelled = sorted(found)
    empty = [item for item in items if item.key not in found | unchanged]
    remove_labels(out, [item.key for item in empty])
    apart = (annotations, out, *without)
    listed = list_keyed_files(images, IMAGE_SUFFIXES, apart)
    return Material(
        images=images,
        suffix=suffix,
        labels=out,
        labelled=labelled,
        unlabelled=[
            key
            for key, path in listed
            if path.name.endswith(suffix) and key not in found
        ],
        size=size,
        classes=tuple(reader.names),
        palette=[[*colour] for colour in reader.palette[: len(reader.names)]],
        kind=guess_kind(
            (read_label(out / f'{key}.png') for key in _samples(labelled)),
            drawing_scale(size),
        ),
        command=_command(reader, out),
        summary=summary,
        emptied=()
        if reader.label_images
        else tuple(item.key for item in empty if not item.data),
        unchanged=tuple(sorted(unchanged)),
        left_out=tuple(
            path for _, path in listed if not path.name.endswith(suffix)
        ),
    )


def _open(
    name: str,
    images: Path,
    annotations: Path,
    reading: Reading,
    like: Material | None,
    corrected: bool,
) -> AnnotationReader:
    """Returns a reader whose classes are known."""
    unlabelled = reading.unlabelled
    if like is None:
        classes = reading.classes or _converted_classes(annotations)
    else:
        # A part of the images need not have all labels.
        classes = like.classes
        _check_order(annotations, _converted_classes(annotations), classes)
        if unlabelled:
            opened = open_reader(name, annotations, images, classes)
            items = opened.items()[0]
            if corrected:
                items = [i for i in items if not opened.is_unchanged(i)]
            found = labels_in(opened, items)
            unlabelled = tuple(v for v in unlabelled if v in found)
    reader = open_reader(name, annotations, images, classes, unlabelled)
    if not reader.names:
        raise ValueError(
            f'{annotations} has the format {name}, which does not name the '
            'classes; give their names in the order of their ids with '
            '--classes.'
        )
    return reader


def _converted_classes(annotations: Path) -> tuple[str, ...]:
    """Returns the classes of a folder that `convert` wrote, else none."""
    path = annotations / SUMMARY
    if not path.is_file():
        return ()
    summary = json.loads(path.read_text(encoding='utf-8'))
    classes = summary.get('classes') if isinstance(summary, dict) else None
    classes = classes if isinstance(classes, list) else []
    names = [c.get('name') for c in classes if isinstance(c, dict)]
    # The file of another tool names no classes.
    return tuple(names) if all(isinstance(n, str) for n in names) else ()


def _check_order(
    src: Path, found: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Raises if converted labels have the same classes in another order."""
    if found != expected and sorted(found) == sorted(expected):
        raise ValueError(
            f'{src} has labels of the classes {", ".join(found)}, expected '
            f'the order of the training, {", ".join(expected)}; give '
            '--classes in the order of these labels, or convert them again '
            'with --classes in that of the training.'
        )


def remove_labels(out: Path, keys: Iterable[str]) -> None:
    """Removes label files of images that are to be unlabelled.

    Training knows an unlabelled image by its missing file.
    """
    for key in keys:
        (out / f'{key}.png').unlink(missing_ok=True)


def _check_keys(reader: AnnotationReader, items: list[Item]) -> None:
    """Raises if labels would get other names than their images."""
    other = [i for i in items if reader.image_key(i) != i.key]
    if other:
        raise ValueError(
            f'{other[0].source} belongs to the image '
            f'{reader.image_key(other[0])}, expected labels named like their '
            f'images; the format {reader.name} has configs of its own in '
            'configs/sesam.'
        )


def _check_placed(src: Path, images: Path, missing: list[Item]) -> None:
    """Raises if a file that corrects one image belongs to none."""
    lost = [item for item in missing if not item.data]
    if not lost:
        return
    item = lost[0]
    keys = [key for key, _ in list_keyed_files(images, IMAGE_SUFFIXES)]
    name = Path(item.key).name
    same = [key for key in keys if Path(key).name == name]
    remedy = 'give it the name of its image, or take it away'
    if same:
        # LabelMe writes all files of an --output side by side.
        remedy = f'move it to {src / same[0]}{item.source.suffix}'
    raise ValueError(
        f'{item.source} corrects no image of {images} (number of such files: '
        f'{len(lost)}), expected the relative path of an image; {remedy}.'
    )


def _common_suffix(paths: list[Path]) -> str:
    """Returns the one suffix of all images; a data set takes only one."""
    counts = Counter(path.suffix for path in paths)
    (suffix, number), *others = counts.most_common()
    if others:
        rare = [path for path in paths if path.suffix != suffix]
        raise ValueError(
            f'{shortened(map(str, rare))}: {len(rare)} labelled images end '
            f'differently from {number} others, expected {suffix}; '
            f'{change_to(suffix, rare)}.'
        )
    return suffix


def change_to(suffix: str, paths: Iterable[Path]) -> str:
    """Returns what to do with images that do not end in a suffix."""
    alike = all(path.suffix.lower() == suffix.lower() for path in paths)
    return f'{"rename" if alike else "convert"} them to {suffix}'


def _adapt(
    reader: AnnotationReader, size: tuple[int, int]
) -> AnnotationReader:
    """Returns a reader whose thin lines survive the scaling of training."""
    known = {field.name: field.default for field in fields(reader)}
    changes: dict = dict(classes=tuple(reader.names))
    scale = drawing_scale(size)
    if isinstance(reader, NamedReader) and scale > 1:
        changes.update(
            (option, round(scale * (2 * known[option] + 1)) // 2)
            if option == 'radius'
            else (option, round(scale * known[option]))
            for option in ('width', 'radius')
            if option in known
        )
    return replace(
        reader, **{key: changes[key] for key in changes if key in known}
    )


def _fill_background(
    reader: AnnotationReader, items: list[Item], scale: float
) -> AnnotationReader:
    """Returns a reader of areas whose undrawn pixels are background.

    Beside strokes and points lie pixels of all classes.
    """
    if not isinstance(reader, NamedReader) or 'background' not in reader.names:
        return reader
    if guess_kind(_readable_labels(reader, items), scale) in THIN:
        return reader
    return replace(reader, undrawn='background')


def _readable_labels(
    reader: AnnotationReader, items: list[Item]
) -> Iterator[np.ndarray]:
    """Yields some labels; the conversion names those that are damaged."""
    for item in _samples(items):
        with suppress(ValueError, OSError):
            yield reader.read(item).label


def _samples(values: list) -> list:
    """Returns evenly spaced values of a list, `_SAMPLES` at most."""
    return values[:: max(-(-len(values) // _SAMPLES), 1)]


def _command(reader: AnnotationReader, out: Path) -> str:
    """Returns the command that converts as the reader does."""
    words = ['python', 'tools/convert_annotations.py', reader.name]
    words += [*map(str, reader.sources), str(out)]
    for field in fields(reader):
        value = getattr(reader, field.name)
        if not field.metadata or value == field.default:
            continue
        values = value if isinstance(value, tuple) else (value,)
        words += [f'--{field.name}', *map(str, values)]
    return shlex.join(words)
