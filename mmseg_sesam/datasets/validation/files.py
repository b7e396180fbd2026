"""Checks of image and label files, one pair at a time."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding
from mmseg_sesam.datasets.validation.splits import Split
from mmseg_sesam.io.images import (
    UPRIGHT,
    open_image,
    orientation,
    upright_size,
)

# Colours that stand for void or nothing in renderings.
_BLACK = (0, 0, 0)
_NEUTRAL = {_BLACK, (255, 255, 255), (224, 224, 192)}
_MAX_COLOURS = 4096
# Largest value of a nearly black image of 8 bits; 12-bit values in 16 bits
# are below it (our choice).
_DARK = 16
_CONVERT = 'tools/convert_annotations.py'
# Kind of problem -> level, problem, remedy.
PROBLEMS = {
    'image damaged': (
        ERROR,
        'images cannot be decoded whole',
        'copy or download them again, save them as JPEG or PNG, or take them '
        'out of the list',
    ),
    'image turned': (
        WARNING,
        'images are turned while they are loaded, as their EXIF orientation '
        'says, and their labels are not',
        'make sure that labels were drawn on the turned image, or save '
        'images upright and without EXIF data',
    ),
    'image deep': (
        WARNING,
        'images of 16 bits hold small values, such as those of 12 bits, and '
        'training reads their upper 8 bits: nearly black',
        'scale them to 8 bits in their files (value / largest value * 255)',
    ),
    'image dark': (
        WARNING,
        'images are nearly black',
        'look at one; scale values to 0 to 255 if they are of another range',
    ),
    'image flat': (
        WARNING,
        'images have one colour in all pixels',
        'copy them again, or take them out of the list',
    ),
    'size': (
        ERROR,
        'labels differ in size from their images (width x height)',
        'label images at their own size, and resize neither of them alone',
    ),
    'label damaged': (
        ERROR,
        'labels cannot be decoded whole',
        'write them again as 8-bit PNG',
    ),
    'label JPEG': (
        ERROR,
        'labels are JPEG, which changes ids',
        'write them again from their source, as 8-bit PNG',
    ),
    'label rendered': (
        ERROR,
        "labels are RGB renderings in the palette's colours, not class ids",
        f'convert them with `{_CONVERT} color-png --colors TABLE`',
    ),
    'label triple': (
        ERROR,
        'labels hold the same value in all three channels, as those of '
        'Scribbles4All do, where 0 is unlabelled',
        f'convert them with `{_CONVERT} scribbles4all`, or keep one channel '
        'if 0 is a class',
    ),
    'label colours': (
        ERROR,
        'labels are colour images, not class ids',
        f'convert them with `{_CONVERT} color-png --colors TABLE`, or draw '
        'them again if they are photographs',
    ),
    'label depth': (
        ERROR,
        'labels are not of one channel of 8 bits',
        f'convert them with `{_CONVERT} index-png`',
    ),
    'label palette': (
        WARNING,
        "labels paint ids in other classes' colours, as programs do that "
        'sort a palette when they save',
        'look at one; if colours are right and ids are not, save as RGB '
        f'and convert with `{_CONVERT} color-png --colors TABLE`',
    ),
}


class Inspection(NamedTuple):
    """Problems and pixel counts of one image and its label.

    Attributes:
        problems: kind of problem, a key of `PROBLEMS` -> file and details.
        counts: number of pixels with each of the 256 values of the label,
            None if it cannot be counted.
    """

    problems: dict[str, str]
    counts: list[int] | None


def check_files(
    split: Split, inspections: Iterable[Inspection]
) -> Iterator[Finding]:
    """Makes one finding of each kind of problem.

    Args:
        split: the data set.
        inspections: of its files.
    """
    files = defaultdict(list)
    for inspection in inspections:
        for kind, text in inspection.problems.items():
            files[kind].append(text)
    for kind, (level, problem, remedy) in PROBLEMS.items():
        if kind in files:
            named = tuple(files[kind])
            yield Finding(level, split.name, problem, remedy, named)


def inspect_pair(
    image_path: str,
    label_path: str | None,
    colours: Sequence[tuple[int, ...] | None] = (),
    with_image: bool = True,
    turns: bool = True,
    whole: bool = True,
) -> Inspection:
    """Decodes an image and its label; skips files that do not exist.

    Args:
        image_path: path of the image.
        label_path: path of its label, None if it has none.
        colours: RGB of each value, None if it is no class.
        with_image: open the image.
        turns: training turns the image by its EXIF orientation.
        whole: decode the image, not its header alone.
    """
    problems: dict[str, str] = {}
    size = counts = None
    if with_image and os.path.isfile(image_path):
        size = _inspect_image(image_path, turns, whole, problems)
    if label_path and os.path.isfile(label_path):
        counts = _inspect_label(label_path, colours, size, problems)
    return Inspection(problems, counts)


@contextmanager
def _open(path: str) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        # Pillow warns of large images and odd metadata.
        warnings.simplefilter('ignore')
        with open_image(path) as image:
            yield image


def _inspect_image(
    path: str, turns: bool, whole: bool, problems: dict[str, str]
) -> tuple[int, int] | None:
    """Returns width and height as training sees them."""
    try:
        with _open(path) as image:
            turned = orientation(image) != UPRIGHT
            size, turned_size = image.size, upright_size(image)
            dull = None
            if whole:
                # Decodes every coefficient, and computes few pixels.
                reduced = image.draft('L', (1, 1)) is not None
                dull = _name_dull(image, turns)
        if dull and reduced:
            # Averages may be equal where pixels are not.
            with _open(path) as image:
                dull = _name_dull(image, turns)
    # Decoders raise any kind of error for a damaged file.
    except Exception as error:
        problems['image damaged'] = _explain(path, error)
        return None
    if turns and turned:
        problems['image turned'] = path
    if dull:
        problems[dull] = path
    return turned_size if turns else size


def _name_dull(image: Image.Image, reads_bytes: bool) -> str | None:
    """Returns the problem of an image that shows nothing to a network.

    Args:
        image: opened.
        reads_bytes: training reads the upper 8 bits of deeper values.
    """
    # Pillow's modes of more than 8 bits.
    deep = image.mode.startswith(('I', 'F'))
    values = np.asarray(image if deep else image.convert('RGB'))
    if (values == values[:1, :1]).all():
        return 'image flat'
    if not deep:
        return 'image dark' if values.max() < _DARK else None
    is_black = values.max() < _DARK << 8 and values.dtype.kind != 'f'
    return 'image deep' if is_black and reads_bytes else None


def _inspect_label(
    path: str,
    colours: Sequence[tuple[int, ...] | None],
    size: tuple[int, int] | None,
    problems: dict[str, str],
) -> list[int] | None:
    """Returns the histogram of the values."""
    try:
        with _open(path) as label:
            label.load()
            if size and size != label.size:
                (width, height), (columns, rows) = label.size, size
                problems['size'] = (
                    f'{path}: {width} x {height}, image {columns} x {rows}'
                )
            if label.format == 'JPEG':
                problems['label JPEG'] = path
            elif label.mode not in ('L', 'P'):
                kind = _kind_of_colours(label, set(colours))
                problems[kind] = f'{path}: mode {label.mode}'
            else:
                counts = label.histogram()
                if label.mode == 'P':
                    _inspect_palette(path, label, counts, colours, problems)
                return counts
    except Exception as error:
        problems['label damaged'] = _explain(path, error)
    return None


def _kind_of_colours(label: Image.Image, classes: set) -> str:
    """Returns the problem of a label with more than 8-bit ids."""
    if label.mode not in ('RGB', 'RGBA'):
        return 'label depth'
    found = label.convert('RGB').getcolors(_MAX_COLOURS) or []
    known = [pair for pair in found if pair[1] in classes | _NEUTRAL]
    telling = any(colour in classes - {_BLACK} for _, colour in known)
    # Smoothed edges may have other colours.
    if telling and sum(n for n, _ in known) > label.width * label.height / 2:
        return 'label rendered'
    if found and all(len(set(colour)) == 1 for _, colour in found):
        return 'label triple'
    return 'label colours'


def _inspect_palette(
    path: str,
    label: Image.Image,
    counts: list[int],
    colours: Sequence[tuple[int, ...] | None],
    problems: dict[str, str],
) -> None:
    """Finds out whether a program sorted the colours, and so the ids."""
    flat = label.getpalette() or []
    for value, colour in enumerate(zip(*[iter(flat)] * 3)):
        meant = counts[value] and value < len(colours) and colours[value]
        if meant and colour != meant and colour in colours:
            problems['label palette'] = (
                f'{path}: {value} has the colour of {colours.index(colour)}'
            )
            return


def _explain(path: str, error: Exception) -> str:
    # The path stands once, and the text on one line.
    text = ' '.join(str(error).replace(repr(path), '').split())
    return f'{path}: {text or type(error).__name__}'
