"""Reading files that anyone may have written."""

from __future__ import annotations

import importlib
import json
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from PIL import Image

from mmseg_sesam.io.images import open_image, upright_size

# Pillow refuses to read more; it must be able to read our labels.
MAX_PIXELS = 2 * 89_478_485
# Pillow spreads grey values of 2 and 4 bits over 0..255.
_SPREAD = {'L;2': 85, 'L;4': 17}
_IMAGE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
)


def optional_import(name: str) -> ModuleType:
    """Imports a library that only some formats need.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f'This format needs {name.split(".")[0]}, which is not '
            'installed; run `pip install mmseg-sesam[convert]`.'
        ) from error


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        ValueError: it is no JSON.
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
    """Reads an XML file without expanding entities.

    Args:
        path: of the file.
        tag: of the root; None for any.

    Raises:
        ValueError: it is no such XML, or it declares entities.
    """
    defused = optional_import('defusedxml.ElementTree')
    try:
        root = defused.parse(path).getroot()
    # defusedxml's errors are ValueErrors; an unknown encoding a LookupError.
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
    """A value as errors show it: what files hold may be of any length."""
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def take(record: Any, key: str, kinds: type | tuple, where: str) -> Any:
    """Looks up a field of a JSON object.

    Args:
        record: the object.
        key: name of the field.
        kinds: type or types that the value may have.
        where: file and place, for the error.

    Raises:
        ValueError: there is no such field, or it is of another type.
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
    """Width and height of an image, as a file gives them.

    Raises:
        ValueError: they are no numbers, or not of an image.
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


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of an image as training reads it.

    Of most formats nothing is decoded for it.

    Raises:
        ValueError: the file is no image.
    """
    try:
        with open_image(path) as image:
            return upright_size(image)
    except _IMAGE_ERRORS as error:
        raise _unreadable(path, error) from error


def embedded_size(data: bytes) -> tuple[int, int]:
    """Width and height of an image file in memory, as training reads it.

    Raises:
        ValueError: it is no image.
    """
    try:
        with open_image(BytesIO(data)) as image:
            return upright_size(image)
    except _IMAGE_ERRORS as error:
        raise ValueError(str(error)) from error


def read_index(path: Path) -> tuple[np.ndarray, int]:
    """Reads the values of an image of one channel, grey or palette.

    Returns:
        (H, W) int64, and the largest value that its pixels can hold.

    Raises:
        ValueError: the file is no such image.
    """
    values, mode, spread = _decode(path)
    if values.ndim != 2 or values.dtype.kind not in 'bui':
        raise ValueError(
            f'{path} is an image of mode {mode}, expected one channel of '
            'class ids; convert a rendering with the format color-png, and '
            'equal channels with the format scribbles4all.'
        )
    largest = 255 if values.dtype.itemsize == 1 else 65535
    return values.astype(np.int64) // spread, largest


def read_channels(path: Path) -> np.ndarray:
    """Reads an image of class ids in one channel or in three equal ones.

    Returns:
        (H, W) int64.

    Raises:
        ValueError: the file is no such image.
    """
    values, mode, spread = _decode(path)
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise ValueError(
                f'{path} has channels that differ, expected one class id in '
                'all of them; convert a rendering with the format color-png.'
            )
        values = values[..., 0]
    if values.dtype.kind not in 'bui':
        raise ValueError(
            f'{path} is an image of mode {mode}, expected class ids.'
        )
    return values.astype(np.int64) // spread


def read_rgb(path: Path) -> np.ndarray:
    """Reads the colours of an image.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ValueError: the file is no image of 8 bits.
    """
    try:
        with open_image(path) as image:
            if image.mode not in ('RGB', 'RGBA', 'P', 'L', '1'):
                raise ValueError(f'mode {image.mode} has no 8-bit colours')
            return np.array(image.convert('RGB'))
    except _IMAGE_ERRORS as error:
        raise _unreadable(path, error) from error


def read_mask(data: bytes) -> np.ndarray:
    """Decodes an image file in memory.

    Returns:
        (H, W) bool, True where the image is not 0.

    Raises:
        ValueError: it is no image of one channel.
    """
    try:
        with open_image(BytesIO(data)) as image:
            mask = np.array(image)
    except _IMAGE_ERRORS as error:
        raise ValueError(str(error)) from error
    if mask.ndim != 2:
        raise ValueError(f'it has {mask.shape[-1]} channels')
    return mask > 0


def _decode(path: Path) -> tuple[np.ndarray, str, int]:
    """Pixels, mode, and by what factor Pillow spread the values."""
    try:
        with open_image(path) as image:
            # Emptied by loading; a string or a tuple that begins with it.
            raw = image.tile[0][3] if image.tile else ''
            raw = raw[0] if isinstance(raw, tuple) else raw
            return np.array(image), image.mode, _SPREAD.get(raw, 1)
    except _IMAGE_ERRORS as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f'{path} cannot be read as an image ({error}); write it again.'
    )
