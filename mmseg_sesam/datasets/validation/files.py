"""Checks of image and label files, one pair at a time."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.fileio import load
from PIL import Image

from mmseg_sesam.datasets.rgb_view import load_view
from mmseg_sesam.datasets.validation.findings import Finding
from mmseg_sesam.datasets.validation.splits import Split
from mmseg_sesam.io import images

# Colours that stand for void or nothing in renderings.
_BLACK = (0, 0, 0)
_NEUTRAL = {_BLACK, (255, 255, 255), (224, 224, 192)}
_MAX_COLOURS = 4096
# Largest value of a nearly black image of 8 bits; 12-bit values in 16 bits
# are below it (our choice).
_DARK = 16
# Problems of a label that may not have the size of its image.
_UNFIT = {'size', 'label damaged'}
# Kind of problem -> level, problem and remedy.
PROBLEMS = load(Path(__file__).with_name('problems.yaml'))


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
    """Yields one finding of each kind of problem in the files."""
    files = defaultdict(list)
    for inspection in inspections:
        for kind, text in inspection.problems.items():
            files[kind].append(text)
    for kind, texts in PROBLEMS.items():
        if kind in files:
            yield Finding(split=split.name, files=tuple(files[kind]), **texts)


def inspect_pair(
    split: Split, image_path: str, label_path: str | None, whole: bool = True
) -> Inspection:
    """Decodes an image of a split and its label; skips missing files.

    `whole` decodes the image, not its header alone.
    """
    problems: dict[str, str] = {}
    size = stored = counts = None
    if split.view and os.path.isfile(image_path):
        size = _inspect_view(image_path, split.view, problems)
    elif split.is_readable and os.path.isfile(image_path):
        size, stored = _inspect_image(image_path, split.turns, whole, problems)
    fits = True
    if label_path and os.path.isfile(label_path):
        counts = _inspect_label(label_path, split.colours, size, problems)
        # Only a label of the turned image has its size, where the turn
        # swaps two different sides.
        fits = size != stored and problems.keys().isdisjoint(_UNFIT)
    if fits:
        problems.pop('image turned', None)
    return Inspection(problems, counts)


@contextmanager
def _open(path: str) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        # Pillow warns of large images and odd metadata.
        warnings.simplefilter('ignore')
        with images.open_image(path) as image:
            yield image


def _inspect_image(
    path: str, turns: bool, whole: bool, problems: dict[str, str]
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Returns width and height as training sees them, and as in the file."""
    try:
        with _open(path) as image:
            turned = images.orientation(image) != images.UPRIGHT
            size, turned_size = image.size, images.upright_size(image)
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
        return None, None
    if turns and turned:
        problems['image turned'] = path
    if dull:
        problems[dull] = path
    return (turned_size if turns else size), size


def _inspect_view(
    path: str, steps: Sequence[dict], problems: dict[str, str]
) -> tuple[int, int] | None:
    """Returns width and height of an image that has a view of its own."""
    try:
        values = load_view(path, steps)
    # Loaders raise any kind of error for a damaged file.
    except Exception as error:
        problems['image damaged'] = _explain(path, error)
        return None
    if (values == values[:1, :1]).all():
        problems['image flat'] = path
    elif values.max() < _DARK:
        problems['image dark'] = path
    return values.shape[1], values.shape[0]


def _name_dull(image: Image.Image, reads_bytes: bool) -> str | None:
    """Returns the problem of an image that shows nothing to a network.

    With `reads_bytes` training reads the upper 8 bits of deeper values.
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
