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
