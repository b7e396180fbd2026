"""Random pixels of a set of images, and the page to classify them on."""

from __future__ import annotations

import base64
import csv
from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np
from PIL import Image

from mmseg_sesam.io.atomic import replace_file, replacing
from mmseg_sesam.io.class_shares import COLUMNS, NO_CLASS
from mmseg_sesam.io.images import image_size, read_image
from mmseg_sesam.io.listing import IMAGE_SUFFIXES, list_files
from mmseg_sesam.io.names import printable
from mmseg_sesam.io.templates import render
from mmseg_sesam.io.terminal import Progress

# Pixels on each side of a sampled one in its view, which the page enlarges,
# and the longer side of the small whole image (our choice).
_CONTEXT, _SMALL = 80, 360
_REMEDY = 'replace it, or take it out of the folder'
_VIEW_REMEDY = (
    f'{_REMEDY}, or give --config of a training with LoadRGBView if it has '
    'other bands or values than 8 bits of RGB'
)
# Keys of the classes, in the order of their ids; 0 is for no class.
_KEYS = '123456789qwertyuiopasdfghjklzxcvbnm'


class Pixel(NamedTuple):
    """A pixel of an image.

    Attributes:
        image: path below the folder of images.
        x: column.
        y: row.
    """

    image: str
    x: int
    y: int


def draw_pixels(folder: Path, number: int, seed: int = 0) -> list[Pixel]:
    """Returns random pixels of all images of a folder, in their order.

    All pixels of the set are equally likely. The set is cut into `number`
    parts of equal size, and one pixel is drawn from each, so that images get
    pixels by their size and none much more than their share.

    Args:
        folder: folder of images, at any depth.
        number: number of pixels.
        seed: fixes the choice.

    Raises:
        ValueError: the folder holds no image or fewer pixels, or an image
            cannot be read.
    """
    paths = list_files(folder, IMAGE_SUFFIXES)
    sizes = []
    for path in Progress(paths, desc='reading sizes of images', delay=2):
        sizes.append(image_size(path, printable(path), _REMEDY))
    ends = np.cumsum([width * height for width, height in sizes])
    if not paths or ends[-1] < number:
        raise ValueError(
            f'{printable(folder)} holds {len(paths)} images of '
            f'{ends[-1] if paths else 0} pixels, expected at least {number} '
            'pixels; give the folder of the training images.'
        )
    rng = np.random.default_rng(seed)
    parts = np.linspace(0, ends[-1], number + 1).astype(np.int64)
    pixels = []
    for place in rng.integers(parts[:-1], parts[1:]):
        index = int(np.searchsorted(ends, place, side='right'))
        width, height = sizes[index]
        y, x = divmod(int(place - ends[index] + width * height), width)
        name = paths[index].relative_to(folder).as_posix()
        pixels.append(Pixel(name, x, y))
    return pixels


def write_table(path: Path, pixels: Sequence[Pixel]) -> None:
    """Writes pixels as a CSV table whose column `class` is empty."""
    with (
        replacing(path) as part,
        part.open('w', newline='', encoding='utf-8') as file,
    ):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for pixel in pixels:
            writer.writerow([printable(pixel.image), *pixel[1:], ''])


def write_page(
    path: Path,
    folder: Path,
    pixels: Sequence[Pixel],
    classes: Sequence[str],
    read: Callable[[Path], np.ndarray] | None = None,
) -> None:
    """Writes the HTML page on which a person classifies pixels.

    The page holds all it needs, works without a network, and saves the
    table that `read_shares` reads.

    Args:
        path: path of the page.
        folder: folder of the images.
        pixels: from `draw_pixels`.
        classes: names of the classes, in the order of their ids.
        read: returns an image as (H, W, 3) uint8 in RGB, by its path; by
            default as training reads it, see `read_image`.

    Raises:
        ValueError: an image cannot be read.
    """
    images: list[dict[str, str]] = []
    entries: list[dict[str, Any]] = []
    groups: dict[str, list[Pixel]] = defaultdict(list)
    for pixel in pixels:
        groups[pixel.image].append(pixel)
    for name, group in Progress(groups.items(), desc='page'):
        file = folder / name
        shown = read(file) if read else read_image(file, _VIEW_REMEDY)
        image = Image.fromarray(shown)
        small = image.copy()
        small.thumbnail((_SMALL, _SMALL))
        images.append(dict(name=printable(name), view=_encode(small)))
        for pixel in group:
            entry = dict(image=len(images) - 1, x=pixel.x, y=pixel.y)
            entry['left'] = (pixel.x + 0.5) / image.width
            entry['top'] = (pixel.y + 0.5) / image.height
            entry['view'] = _encode(_surroundings(image, pixel))
            entries.append(entry)
    answers = [dict(name=n, key=k) for n, k in zip(classes, _keys(classes))]
    answers.append(dict(name=NO_CLASS, key='0'))
    content = dict(
        images=images,
        pixels=entries,
        answers=answers,
        columns=COLUMNS,
        side=2 * _CONTEXT + 1,
    )
    text = render(__package__, 'pixels.html', content=content)
    replace_file(path, text)


def _keys(classes: Sequence[str]) -> list[str]:
    """Returns a key for each class, and '' once there are no more."""
    return [*_KEYS[: len(classes)], *[''] * (len(classes) - len(_KEYS))]


def _surroundings(image: Image.Image, pixel: Pixel) -> Image.Image:
    """Returns the square around a pixel, black beyond the image."""
    x, y, reach = pixel.x, pixel.y, _CONTEXT
    return image.crop((x - reach, y - reach, x + reach + 1, y + reach + 1))


def _encode(image: Image.Image) -> str:
    """Returns an image as the text of a JPEG that a page shows."""
    file = BytesIO()
    image.save(file, 'JPEG', quality=90)
    text = base64.b64encode(file.getvalue()).decode()
    return f'data:image/jpeg;base64,{text}'
