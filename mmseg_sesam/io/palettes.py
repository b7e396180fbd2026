"""Colours of classes in index PNGs, for image viewers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def voc_colours() -> list[list[int]]:
    """Returns the 256 RGB colours of PASCAL VOC's development kit.

    The colour of 255 differs from the colour of 0, so that a viewer shows
    unlabelled pixels and background in different colours.

    Example:
        >>> voc_colours()[:3]
        [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
    """
    # Three bits of an index, from the lowest, give a bit of each channel.
    bits = np.arange(256)[:, None, None] >> np.arange(24).reshape(8, 3) & 1
    return (bits << np.arange(7, -1, -1)[:, None]).sum(1).tolist()


def full_palette(palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns (256, 3) uint8 RGB, black for values without a colour.

    Pillow packs the pixels of an image with fewer than 256 colours into fewer
    bits and cuts the unlabelled 255 down to 15.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    return colours
