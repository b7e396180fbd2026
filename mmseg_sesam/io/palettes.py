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
    colours = []
    for index in range(256):
        colour = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                value = index >> (3 * bit + channel) & 1
                colour[channel] |= value << (7 - bit)
        colours.append(colour)
    return colours


def full_palette(palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns a colour for each value of a pixel, black where none is given.

    Pillow packs the pixels of an image with fewer than 256 colours into fewer
    bits and cuts the unlabelled 255 down to 15.

    Args:
        palette: RGB of each class.

    Returns:
        (256, 3) uint8.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    return colours
