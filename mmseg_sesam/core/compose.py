"""Masks of all components -> one pseudo-label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.candidates import MaskCrop
from mmseg_sesam.structures import UNLABELLED


class ClassMask(NamedTuple):
    """A mask of one class, cropped and with eight pixels in a byte.

    The masks of all components of a large image, and all shapes of its
    annotation, are in memory at once.

    Attributes:
        class_id: class of the pixels.
        row: first row of the crop in the image.
        col: first column of the crop in the image.
        bits: (h, w / 8) uint8, the rows of the crop as bits.
        width: columns of the crop.
        area: pixels of the mask; where masks overlap, the smallest wins.
    """

    class_id: int
    row: int
    col: int
    bits: np.ndarray
    width: int
    area: int

    @classmethod
    def of(cls, crop: MaskCrop, class_id: int) -> ClassMask:
        """Packs a mask."""
        bits = np.packbits(crop.mask, axis=1)
        area = int(np.count_nonzero(crop.mask))
        return cls(
            class_id, crop.row, crop.col, bits, crop.mask.shape[1], area
        )

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the crop covers."""
        return (
            slice(self.row, self.row + len(self.bits)),
            slice(self.col, self.col + self.width),
        )

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool, the crop."""
        return self.rows(slice(None))

    def rows(self, rows: slice) -> np.ndarray:
        """Returns some rows of the crop, without unpacking the others."""
        unpacked = np.unpackbits(self.bits[rows], axis=1, count=self.width)
        return unpacked.view(bool)

    def count_in(self, mask: np.ndarray, origin: tuple[int, int]) -> int:
        """Counts its pixels in a (h, w) bool mask at `origin` (row, col)."""
        own = np.zeros_like(mask)
        MaskCrop(self.row, self.col, self.mask, mask.shape).paste(own, origin)
        return int(np.count_nonzero(own & mask))


def compose(label: np.ndarray, masks: Sequence[ClassMask]) -> np.ndarray:
    """Pastes the masks, large ones first, then the weak label.

    A small object lies before a large one more often than behind it. Source:
    step 5 of SeSAM; the order of overlapping masks is our choice.

    Args:
        label: (H, W) uint8 class ids; its labelled pixels keep their class.
        masks: masks of all components, in any order.

    Returns:
        (H, W) uint8; 255 outside all masks.

    Example:
        >>> label = np.array([[0, 255, 255, 255]], np.uint8)
        >>> mask = np.array([[False, True, True, False]])
        >>> compose(label, [ClassMask.of(MaskCrop.of(mask), 7)])
        array([[  0,   7,   7, 255]], dtype=uint8)
    """
    pseudo_label = np.full_like(label, UNLABELLED)
    # The class is the last key, so that the result does not depend on the
    # order of `masks`.
    for mask in sorted(masks, key=lambda m: (-m.area, m.class_id)):
        window = pseudo_label[mask.window]
        np.copyto(window, mask.class_id, where=mask.mask)
    np.copyto(pseudo_label, label, where=label != UNLABELLED)
    return pseudo_label
