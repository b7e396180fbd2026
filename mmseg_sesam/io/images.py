"""Opens image files from untrusted sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from mmseg_sesam.io.names import printable

# OpenCV and Pillow both read these formats. Pillow chooses the decoder by
# content, and for EPS, which is left out, it would start another program.
FORMATS = ('BMP', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TIFF', 'WEBP')
_ORIENTATION = 0x0112
UPRIGHT = 1


def open_image(file: str | os.PathLike | BinaryIO) -> Image.Image:
    """Opens an image, by its path or content, without decoding it.

    Raises:
        OSError: the file cannot be read or has none of `FORMATS`.
    """
    return Image.open(file, formats=FORMATS)


@contextmanager
def decoding(
    file: str | os.PathLike | BinaryIO, name: object, remedy: str
) -> Iterator[Image.Image]:
    """Yields an image, and turns every error of its decoder into a sentence.

    Args:
        file: path of the image, or its content.
        name: subject of the sentence, such as the path.
        remedy: what to do, the end of the sentence.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the image cannot be opened or decoded, or is too large.
    """
    try:
        with open_image(file) as image:
            yield image
    except FileNotFoundError:
        raise
    except Image.DecompressionBombError as error:
        raise ValueError(
            f'{name} is larger than Pillow opens ({error}); cut it into '
            'parts, see docs/large_images.md.'
        ) from error
    # Pillow's decoders raise anything when a file is damaged.
    except Exception as error:
        raise ValueError(
            f'{name} cannot be read as an image ({error}); {remedy}.'
        ) from error


def read_image(path: str | os.PathLike, remedy: str) -> np.ndarray:
    """Returns an image as training reads it, (H, W, 3) uint8 in RGB.

    Training turns it by EXIF, and shows the upper 8 bits of 16-bit files.

    Args:
        path: path of the image.
        remedy: what to do, the end of the error.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the file is no image, or a TIFF of more than 8 bits.
    """
    with decoding(path, printable(path), remedy) as image:
        if is_deep_tiff(image):
            raise ValueError('it is a TIFF file of more than 8 bits')
        # From the content, as mmcv does: OpenCV takes no path of other bytes
        # than UTF-8, and does not open all files that it can decode.
        content = np.frombuffer(Path(path).read_bytes(), np.uint8)
        colours = cv2.imdecode(content, cv2.IMREAD_COLOR)
        if colours is None:
            raise ValueError('OpenCV cannot decode it')
    return np.ascontiguousarray(colours[..., ::-1])


def pixel_format(path: str | os.PathLike) -> str:
    """Returns a text that is equal for files of one suffix and pixel format.

    If Pillow cannot read the header, it is the suffix alone.
    """
    suffix = os.path.splitext(path)[1]
    try:
        with open_image(path) as image:
            # Pillow's mode of 16-bit RGB is that of 8 bits.
            return f'{suffix} {image.mode} {raw_mode(image)}'
    # Pillow's decoders raise anything when a file is damaged.
    except Exception:  # noqa: BLE001
        return suffix


def raw_mode(image: Image.Image) -> str:
    """Returns the mode of the pixels in the file of an image not yet loaded.

    Loading empties `tile`; its mode is a string or begins a tuple.
    """
    raw = image.tile[0][3] if image.tile else ''
    return raw[0] if isinstance(raw, tuple) else raw


def is_transparent(image: Image.Image) -> bool:
    """Returns whether an image has an alpha channel or a transparent colour.

    Pillow has a property for it since 10.1.
    """
    has_alpha = image.mode in ('RGBA', 'LA', 'PA')
    return has_alpha or 'transparency' in image.info


def is_deep_tiff(image: Image.Image) -> bool:
    """Returns whether an image not yet loaded is a TIFF of more than 8 bits.

    Pillow and OpenCV show the upper 8 of 16 bits, which are almost black in
    most such files: sensors have 10 to 14 bits.
    """
    deep = '16' in raw_mode(image) or image.mode[0] in 'IF'
    return image.format == 'TIFF' and deep


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8, of an image not yet converted."""
    value = image.getexif().get(_ORIENTATION, UPRIGHT)
    return value if value in range(UPRIGHT, 9) else UPRIGHT


def is_turned(path: Path) -> bool:
    """Returns whether EXIF data of an image swap its width and height."""
    with open_image(path) as image:
        return image.format != 'TIFF' and orientation(image) > 4


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Returns width and height of an image after the turn that mmcv applies.

    EXIF names the turn, so the image must not be converted yet.
    """
    turn = orientation(image)
    if image.format == 'TIFF':
        # Pillow turns TIFF files itself, in some versions when they load.
        if turn != UPRIGHT:
            image.load()
        return image.size
    width, height = image.size
    # The orientations 5 to 8 swap width and height.
    return (height, width) if turn > 4 else (width, height)


def tiff_size(path: Path) -> tuple[int, int] | None:
    """Returns width and height of a TIFF file that Pillow cannot open.

    Pillow opens few TIFF files of more than three bands or 8 bits. None if
    Pillow opens the file, or if it is no TIFF file.
    """
    if path.suffix.lower() not in ('.tif', '.tiff') or not path.is_file():
        return None
    try:
        with open_image(path):
            return None
    # Pillow's decoders raise anything when a file is of another kind.
    except Exception:  # noqa: BLE001
        pass
    # Takes half a second.
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            return page.imagewidth, page.imagelength
    except Exception:  # noqa: BLE001
        return None


def image_size(
    file: Path | BinaryIO,
    name: object = '',
    remedy: str = 'write it again',
) -> tuple[int, int]:
    """Returns width and height of an image as training reads it.

    Args:
        file: path of the image, or its content.
        name: subject of the error; by default the path.
        remedy: what to do about a file that is no image.

    Raises:
        ValueError: the file is no image.
    """
    if isinstance(file, Path) and (size := tiff_size(file)):
        return size
    with decoding(file, name or file, remedy) as image:
        return upright_size(image)
