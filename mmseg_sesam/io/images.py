"""Opens image files from untrusted sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image

# OpenCV and Pillow both read these formats. Pillow chooses the decoder by
# content, and for EPS, which is left out, it would start another program.
FORMATS = ('BMP', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TIFF', 'WEBP')
_ORIENTATION = 0x0112
UPRIGHT = 1


def open_image(file: str | os.PathLike | BinaryIO) -> Image.Image:
    """Opens an image without decoding it.

    Args:
        file: path of the image, or its content.

    Returns:
        The image; close it, or use it in a `with`.

    Raises:
        OSError: the file cannot be read or has none of `FORMATS`.
    """
    return Image.open(file, formats=FORMATS)


@contextmanager
def decoding(
    file: str | os.PathLike | BinaryIO, name: object, remedy: str
) -> Iterator[Image.Image]:
    """Opens an image and turns every error of its decoder into a sentence.

    Args:
        file: path of the image, or its content.
        name: subject of the sentence, such as the path.
        remedy: what to do, the end of the sentence.

    Yields:
        The image; decode it in the `with`.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the image cannot be opened or decoded.
    """
    try:
        with open_image(file) as image:
            yield image
    except FileNotFoundError:
        raise
    # Pillow's decoders raise anything when a file is damaged.
    except Exception as error:
        raise ValueError(
            f'{name} cannot be read as an image ({error}); {remedy}.'
        ) from error


def pixel_format(path: str | os.PathLike) -> str:
    """Returns the suffix, number of channels and depth of an image file.

    Args:
        path: path of the file, of which the header is read.

    Returns:
        A text that is equal for files of equal formats; the suffix alone
        if Pillow cannot read the header.
    """
    suffix = os.path.splitext(path)[1]
    try:
        with open_image(path) as image:
            # Pillow's mode of 16-bit RGB is that of 8 bits.
            raw = image.tile[0][3] if image.tile else ''
            raw = raw[0] if isinstance(raw, tuple) else raw
            return f'{suffix} {image.mode} {raw}'
    # Pillow's decoders raise anything when a file is damaged.
    except Exception:  # noqa: BLE001
        return suffix


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation of an image, 1 to 8; `UPRIGHT` if none.

    Args:
        image: image that was opened and not yet converted.
    """
    value = image.getexif().get(_ORIENTATION, UPRIGHT)
    return value if value in range(UPRIGHT, 9) else UPRIGHT


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Returns width and height after the turn that EXIF and mmcv apply.

    Args:
        image: image that was opened and not yet converted.
    """
    if image.format == 'TIFF':
        # Pillow turns TIFF files itself, in some versions when they load.
        image.load()
        return image.size
    width, height = image.size
    # The orientations 5 to 8 swap width and height.
    return (height, width) if orientation(image) > 4 else (width, height)
