"""Opening image files of which nothing is known yet."""

from __future__ import annotations

import os
from typing import BinaryIO

from PIL import Image

# Both OpenCV and Pillow read them, and no other program is started for it,
# as Pillow does for EPS, whatever a file's name says.
FORMATS = ('BMP', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TIFF', 'WEBP')
_ORIENTATION = 0x0112
UPRIGHT = 1


def open_image(file: str | os.PathLike | BinaryIO) -> Image.Image:
    """Opens an image without decoding it.

    Args:
        file: its path or its content.

    Returns:
        The image; it is to be closed, or used as a context.

    Raises:
        OSError: it is of none of `FORMATS`, or cannot be read.
    """
    return Image.open(file, formats=FORMATS)


def pixel_format(path: str | os.PathLike) -> str:
    """Tells what pixels of an image file are, from its header.

    Args:
        path: of the file.

    Returns:
        The same text for files of one suffix, number of channels and depth;
        the suffix alone where Pillow cannot tell.
    """
    suffix = os.path.splitext(path)[1]
    try:
        with open_image(path) as image:
            # Pillow's mode of 16-bit RGB is that of 8 bits.
            raw = image.tile[0][3] if image.tile else ''
            raw = raw[0] if isinstance(raw, tuple) else raw
            return f'{suffix} {image.mode} {raw}'
    # Decoders raise whatever they come across in a damaged file.
    except Exception:  # noqa: BLE001
        return suffix


def orientation(image: Image.Image) -> int:
    """How EXIF says an image is to be turned: 1 to 8, `UPRIGHT` for not.

    Args:
        image: opened, not yet converted.
    """
    value = image.getexif().get(_ORIENTATION, UPRIGHT)
    return value if value in range(UPRIGHT, 9) else UPRIGHT


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of an image turned as EXIF says, as mmcv reads it.

    Args:
        image: opened, not yet converted.
    """
    if image.format == 'TIFF':
        # Pillow turns these itself, some versions not before they load.
        image.load()
        return image.size
    width, height = image.size
    # From 5 on, it lies on its side.
    return (height, width) if orientation(image) > 4 else (width, height)
