"""Tells label images from photos by their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np

from mmseg_sesam.annotations.files import read_index, read_rgb
from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_files

# Files of a folder that are opened.
_FILES = 3
# Most values in a label image; photos have more (our choice).
_VALUES = 64


def holds_index_images(src: Path) -> bool:
    """Returns whether the first images have ids: few values, no colours."""
    return _all_fit(src, _ids)


def holds_renderings(src: Path) -> bool:
    """Returns whether the first images have a few colours, not only grey."""
    # The colours of a palette are not the content of a label.
    return not holds_index_images(src) and _all_fit(src, _colours)


def _ids(path: Path) -> np.ndarray:
    """Returns the ids in a label image.

    Files of Scribbles for All have three equal channels, in which 0 is
    unlabelled: only the user can tell them from ids that begin with 0.
    """
    image = read_index(path)
    if image.equal and (image.values == 0).any():
        raise ValueError(f'{path} has 0 in three equal channels')
    return np.unique(image.values)


def _colours(path: Path) -> np.ndarray:
    """Returns the colours of an image of three different channels."""
    pixels = read_rgb(path)[0].astype(np.int32)
    if (pixels == pixels[..., :1]).all():
        raise ValueError(f'{path} is grey')
    return np.unique(pixels @ np.array([1 << 16, 1 << 8, 1]))


def _all_fit(src: Path, values_of: Callable[[Path], np.ndarray]) -> bool:
    files = [src] if src.is_file() else list_files(src, LABEL_SUFFIXES)
    files = files[:_FILES]
    try:
        return bool(files) and all(
            len(values_of(path)) <= _VALUES for path in files
        )
    except (OSError, ValueError):
        return False
