"""Reading and writing index PNGs, whose pixels are class ids."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from mmseg_sesam.io.images import open_image


def read_label(path: Path) -> np.ndarray:
    """Reads an index image.

    Args:
        path: of the file.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: the file is no 8-bit image of one channel.
    """
    try:
        with open_image(path) as image:
            label = np.array(image)
    except (OSError, SyntaxError) as error:
        raise ValueError(
            f'{path} cannot be read as an image ({error}); write it again.'
        ) from error
    if label.ndim != 2 or label.dtype != np.uint8:
        raise ValueError(
            f'{path} is {label.dtype} of shape {label.shape}, expected one '
            'channel of uint8 class ids; convert colours to class ids.'
        )
    return label


def write_label(
    file: Path | BinaryIO,
    label: np.ndarray,
    palette: Sequence[Sequence[int]] | None = None,
) -> None:
    """Writes a label map as an index PNG.

    Args:
        file: its path, in a folder that exists, or what it is written to.
        label: (H, W) uint8.
        palette: RGB of each class, for image viewers.
    """
    image = Image.fromarray(label)
    if palette:
        # All 256 colours: with fewer, Pillow packs indices into fewer bits
        # and cuts the unlabelled 255 down to 15.
        colours = np.zeros((256, 3), np.uint8)
        colours[: len(palette)] = palette
        image.putpalette(colours.tobytes())
    # Runs of one class: smaller files than by the default strategy.
    image.save(file, 'PNG', compress_level=1, compress_type=zlib.Z_RLE)


def id_table(
    reduce_zero_label: bool, label_map: dict[int, int] | None = None
) -> np.ndarray:
    """What a data set makes of each value in a label file.

    Args:
        reduce_zero_label: 0 is unlabelled, and ids begin with 1.
        label_map: other ids for some of those that result.

    Returns:
        (256,) uint8.
    """
    table = np.arange(256, dtype=np.uint8)
    if reduce_zero_label:
        # 0 becomes 255, and so does 255 itself.
        table = np.where(table == 255, 255, table - np.uint8(1))
    renamed = np.arange(256, dtype=np.uint8)
    for old, new in (label_map or {}).items():
        renamed[old] = new
    return renamed[table]
