"""Masks of all components -> one pseudo-label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class ClassMask(NamedTuple):
    """The mask of a component, cropped to its bounding box.

    Attributes:
        class_id: class of the component.
        row: first row of the crop in the image.
        col: first column of the crop in the image.
        mask: (h, w) bool.
        area: pixels of the mask; where masks overlap, the smallest wins.
    """

    class_id: int
    row: int
    col: int
    mask: np.ndarray
    area: int

    @classmethod
    def crop(cls, mask: np.ndarray, class_id: int) -> ClassMask:
        """Crops a (H, W) bool mask with at least one true pixel."""
        rows = np.flatnonzero(mask.any(axis=1))
        cols = np.flatnonzero(mask.any(axis=0))
        crop = mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].copy()
        area = int(np.count_nonzero(crop))
        return cls(class_id, int(rows[0]), int(cols[0]), crop, area)


def compose(
    label: np.ndarray, masks: Sequence[ClassMask], ignore_index: int = 255
) -> np.ndarray:
    """Pastes the masks, large ones first, then the weak label.

    A small object lies before a large one more often than behind it. Source:
    step 5 of SeSAM; the order of overlapping masks is our choice.

    Args:
        label: (H, W) uint8 class ids; its labelled pixels keep their class.
        masks: masks of all components, in any order.
        ignore_index: value of unlabelled pixels.

    Returns:
        (H, W) uint8; `ignore_index` outside all masks.

    Example:
        >>> label = np.array([[0, 255, 255, 255]], np.uint8)
        >>> mask = ClassMask(7, 0, 1, np.ones((1, 2), bool), area=2)
        >>> compose(label, [mask])
        array([[  0,   7,   7, 255]], dtype=uint8)
    """
    pseudo_label = np.full_like(label, ignore_index)
    # The class is the last key, so that the result does not depend on the
    # order of `masks`.
    for mask in sorted(masks, key=lambda m: (-m.area, m.class_id)):
        height, width = mask.mask.shape
        window = pseudo_label[
            mask.row : mask.row + height, mask.col : mask.col + width
        ]
        np.copyto(window, mask.class_id, where=mask.mask)
    return np.where(label != ignore_index, label, pseudo_label)
