"""Reads files from untrusted sources."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from PIL import Image

from mmseg_sesam.extras import install_command
from mmseg_sesam.io.images import decoding, is_transparent, raw_mode
from mmseg_sesam.io.names import name_some

# Pillow's limit: the labels that we write must be readable.
MAX_PIXELS = 2 * 89_478_485
# Pillow multiplies grey values of 2 and 4 bits to fill 0..255.
_FACTORS = {'L;2': 85, 'L;4': 17}
_COLOUR_MODES = ('RGB', 'RGBA', 'P', 'PA', 'L', 'LA', '1')
_REMEDY = 'write it again'
# Number of names in a message, to fit a screen.
_SHOWN = 20


def optional_import(name: str) -> ModuleType:
    """Imports a library that only some formats need.

    Raises:
        ValueError: the library is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f'This format needs {name.split(".")[0]}, which is not '
            f'installed; run {install_command("convert")}.'
        ) from error


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        ValueError: the file is no JSON.
    """
    if path.is_dir():
        raise ValueError(
            f'{path} is a folder, expected a JSON file; give the file itself.'
        )
    try:
        return json.loads(path.read_text(encoding='utf-8-sig'))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f'{path} cannot be read as JSON ({error}); export it again.'
        ) from error


def read_xml(path: Path, tag: str | None = None) -> Element:
    """Returns the root of an XML file, named `tag`; expands no entities.

    Raises:
        ValueError: the file is no such XML, or it declares entities.
    """
    defused = optional_import('defusedxml.ElementTree')
    try:
        root = defused.parse(path).getroot()
    # defusedxml raises ValueErrors, an unknown encoding a LookupError.
    except (ParseError, ValueError, LookupError) as error:
        raise ValueError(
            f'{path} cannot be read as XML ({error}); export it again.'
        ) from error
    if tag and root.tag != tag:
        raise ValueError(
            f'{path} begins with <{root.tag}>, expected <{tag}>; give a file '
            'of this format, or its own format.'
        )
    return root


def shown(value: Any) -> str:
    """Returns a value for a message, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def shortened(texts: Iterable[str]) -> str:
    """Joins texts for a message; replaces the end of many by a number."""
    return name_some([*texts], _SHOWN)


def take(record: Any, key: str, kinds: type | tuple, where: str) -> Any:
    """Returns a field of a JSON object, a value of one of some types.

    Raises:
        ValueError: the field is missing or has another type.

    Example:
        >>> take({'id': 3}, 'id', int, 'a.json')
        3
    """
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise ValueError(
            f'{where} has {key}={shown(value)}, expected '
            f'{" or ".join(kind.__name__ for kind in kinds)}; correct it.'
        )
    return value


def checked_size(width: Any, height: Any, where: str) -> tuple[int, int]:
    """Returns width and height of an image as integers.

    Raises:
        ValueError: they are no numbers, or no image has them.
    """
    try:
        size = int(width), int(height)
    except (TypeError, ValueError, OverflowError):
        size = 0, 0
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise ValueError(
            f'{where} gives the image size {shown(width)} x {shown(height)}, '
            f'expected pixels, {MAX_PIXELS} in all at most; correct it.'
        )
    return size


class IndexImage(NamedTuple):
    """Class ids, or other whole numbers, from an image file.

    Attributes:
        values: (H, W) integers.
        largest: the largest value that a pixel of the file can hold.
        equal: whether the file has three channels of equal values.
        transparent: values of one channel that the file hides.
    """

    values: np.ndarray
    largest: int
    equal: bool
    transparent: set[int]


def read_index(path: Path) -> IndexImage:
    """Returns the values of a grey or a palette image.

    Grey may be stored in three equal channels, as many programs do, and
    beside an alpha channel that hides nothing.

    Raises:
        ValueError: the file is no such image.
    """
    with decoding(path, path, _REMEDY) as image:
        raw, mode = raw_mode(image), image.mode
        transparent = _transparent_values(image)
        if mode == 'RGB' and is_transparent(image):
            image = image.convert('RGBA')
        values = np.array(image)
    if mode in ('RGB', 'RGBA', 'LA'):
        if '16' in raw:
            raise ValueError(
                f'{path} has {len(mode)} channels of 16 bits, expected one; '
                'write one of the channels alone.'
            )
        values = _equal_channel(values, path)
    if values.ndim != 2 or values.dtype.kind not in 'bui':
        raise ValueError(
            f'{path} is an image of mode {mode}, expected one channel of '
            'class ids; convert a rendering with the format color-png.'
        )
    largest = 255 if values.dtype.itemsize == 1 else 65535
    if values.dtype.kind == 'b':
        values = values.astype(np.uint8)
    if raw in _FACTORS:
        values = values // _FACTORS[raw]
    equal = mode in ('RGB', 'RGBA')
    return IndexImage(values, largest, equal, transparent)


def _transparent_values(image: Image.Image) -> set[int]:
    """Returns the values of one channel that are wholly transparent."""
    given = image.info.get('transparency')
    if isinstance(given, bytes):
        # The alpha of each entry of a palette.
        return {value for value, alpha in enumerate(given) if alpha == 0}
    if not isinstance(given, int):
        return set()
    # Pillow gives 255 for the 1 of an image of 1 bit.
    return {min(given, 1) if image.mode == '1' else given}


def _equal_channel(pixels: np.ndarray, path: Path) -> np.ndarray:
    """Returns one of the channels of (H, W, C) pixels, which are equal.

    The last of an even number of channels is alpha, 255 everywhere.
    """
    if pixels.shape[-1] % 2 == 0:
        if (pixels[..., -1] != 255).any():
            raise ValueError(
                f'{path} has transparent pixels, expected a class id in each; '
                'convert it with the format color-png, which leaves them '
                'unlabelled.'
            )
        pixels = pixels[..., :-1]
    if (pixels != pixels[..., :1]).any():
        raise ValueError(
            f'{path} has channels that differ, expected one class id in '
            'all of them; convert a rendering with the format color-png.'
        )
    return pixels[..., 0]


def read_rgb(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns the colours of an image, and their opacity.

    Returns:
        (H, W, 3) uint8 RGB, and (H, W) uint8 alpha, 0 where a pixel is
        transparent; None for a file without transparency.

    Raises:
        ValueError: the file is no image of 8 bits.
    """
    with decoding(path, path, _REMEDY) as image:
        if image.mode not in _COLOUR_MODES:
            raise ValueError(f'mode {image.mode} has no 8-bit colours')
        if not is_transparent(image):
            return np.array(image.convert('RGB')), None
        factor = _FACTORS.get(raw_mode(image), 1)
        image.load()
        if factor > 1:
            image.info['transparency'] *= factor
        pixels = np.array(image.convert('RGBA'))
    return pixels[..., :3], pixels[..., 3]


def read_mask(data: bytes, name: str) -> np.ndarray:
    """Returns (H, W) bool, True where an image file in memory is not 0.

    Raises:
        ValueError: the content, called `name`, is no image of one channel.
    """
    with decoding(BytesIO(data), name, 'correct or remove it') as image:
        mask = np.array(image)
        if mask.ndim != 2:
            raise ValueError(f'it has {mask.shape[-1]} channels')
    return mask > 0


def read_opacity(data: bytes, size: tuple[int, int], name: str) -> np.ndarray:
    """Returns (H, W) bool, True where an image in memory is not transparent.

    Raises:
        ValueError: the content, called `name`, is no image with transparency
            of `size`, width and height.
    """
    with decoding(BytesIO(data), name, 'correct or remove it') as image:
        # A small file may hold an image that fills the memory.
        if image.size != size:
            raise ValueError(
                f'it has the size {image.size}, expected that of the image, '
                f'{size}'
            )
        if not is_transparent(image):
            raise ValueError('it has no transparent pixels')
        return np.array(image.convert('RGBA'))[..., 3] > 0
