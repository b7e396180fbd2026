"""The reader and the writer of index images, whose pixels are class ids."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from mmseg_sesam.io.images import decoding, open_image
from mmseg_sesam.io.palettes import full_palette
from mmseg_sesam.structures import UNLABELLED


def read_label(
    file: str | os.PathLike | BinaryIO, name: str = '', remedy: str = ''
) -> np.ndarray:
    """Returns the (H, W) uint8 values of an index image.

    Args:
        file: path of the file, or its content.
        name: subject of error messages; the path by default.
        remedy: what to do, the end of error messages; by default to write
            the file again.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the file is no 8-bit image of one channel.

    Example:
        >>> from io import BytesIO
        >>> file = BytesIO()
        >>> write_label(file, np.array([[0, 255]], np.uint8))
        >>> read_label(file).tolist()
        [[0, 255]]
    """
    name = name or str(file)
    again = remedy or 'write it again as an 8-bit PNG'
    with decoding(file, name, again) as image:
        label = np.array(image)
    if label.ndim != 2 or label.dtype != np.uint8:
        raise ValueError(
            f'{name} is {label.dtype} of shape {label.shape}, expected one '
            'channel of uint8 class ids; '
            f'{remedy or "convert colours or 16-bit values to class ids"}.'
        )
    return label


def read_palette(path: str | os.PathLike) -> list[list[int]] | None:
    """Returns the RGB colours of an index image; None if it is grey."""
    with open_image(path) as image:
        colours = image.getpalette()
    return colours and np.reshape(colours, (-1, 3)).tolist()


def write_label(
    file: Path | BinaryIO,
    label: np.ndarray,
    palette: Sequence[Sequence[int]] | None = None,
) -> None:
    """Writes an (H, W) uint8 label map as an index PNG.

    Args:
        file: path of the file, in a folder that exists, or an open file.
        label: the label map.
        palette: RGB of each class, for image viewers.
    """
    image = Image.fromarray(label)
    if palette:
        image.putpalette(full_palette(palette).tobytes())
    # Labels are runs of one class: RLE makes smaller files than the default.
    image.save(file, 'PNG', compress_level=1, compress_type=zlib.Z_RLE)


def id_table(
    reduce_zero_label: bool, label_map: dict[int, int] | None = None
) -> np.ndarray:
    """Returns the (256,) uint8 class id of each value of a file.

    Args:
        reduce_zero_label: 0 is unlabelled, and ids begin with 1.
        label_map: replaces some of the resulting ids.

    Example:
        >>> id_table(reduce_zero_label=True)[:3].tolist()
        [255, 0, 1]
    """
    table = np.arange(256, dtype=np.uint8)
    if reduce_zero_label:
        # 0 becomes 255, and 255 stays 255.
        table = np.where(table == UNLABELLED, UNLABELLED, table - np.uint8(1))
    renamed = np.arange(256, dtype=np.uint8)
    for old, new in (label_map or {}).items():
        # Some data sets drop ids by -1, which is 255 in 8 bits.
        renamed[old] = new % 256
    return renamed[table]


def unnamed_values(
    reduce_zero_label: bool,
    label_map: dict[int, int] | None,
    file_classes: Sequence[str] | None = None,
) -> np.ndarray:
    """Returns (256,) bool, the values that are no id of a data set's files.

    They would be read as other classes, or as unlabelled. 255, the id of
    unlabelled pixels, needs no name.

    Args:
        reduce_zero_label: see `id_table`.
        label_map: see `id_table`; with None every value is an id.
        file_classes: names of the ids, if the data set is a
            `MappedSegDataset`; by default the keys of the map are the ids.

    Example:
        >>> unnamed_values(False, {0: 1, 1: 0})[[0, 1, 2, 255]].tolist()
        [False, False, True, False]
    """
    if label_map is None:
        return np.zeros(256, bool)
    named = label_map if file_classes is None else range(len(file_classes))
    return ~np.isin(id_table(reduce_zero_label), [*named, UNLABELLED])
