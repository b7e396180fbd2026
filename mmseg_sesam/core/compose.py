"""Masks of all components -> one pseudo-label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class ScoredMask(NamedTuple):
    """The mask that a component lays claim to.

    Attributes:
        class_id: the class that it claims for its pixels.
        row: of the crop's first pixel in the image.
        col: of the crop's first pixel in the image.
        mask: (h, w) bool, the mask cropped to its bounding box.
        score: where claims overlap, the largest wins.
        area: pixels of the mask; at equal scores the smallest wins.
    """

    class_id: int
    row: int
    col: int
    mask: np.ndarray
    score: float
    area: int


def compose(
    label: np.ndarray, claims: Sequence[ScoredMask], ignore_index: int = 255
) -> np.ndarray:
    """Lays claims over each other, and the label on top.

    Source: step 5 of SeSAM; the order of overlapping claims is our choice.

    Args:
        label: (H, W) uint8 class ids; its labelled pixels always keep
            their class.
        claims: of all components, in any order.
        ignore_index: the value of unlabelled pixels.

    Returns:
        (H, W) uint8; `ignore_index` where nobody lays claim.
    """
    pseudo_label = np.full_like(label, ignore_index)
    # The class is the last key, so that the order given plays no part.
    for claim in sorted(claims, key=lambda c: (c.score, -c.area, c.class_id)):
        height, width = claim.mask.shape
        window = pseudo_label[
            claim.row : claim.row + height, claim.col : claim.col + width
        ]
        np.copyto(window, claim.class_id, where=claim.mask)
    return np.where(label != ignore_index, label, pseudo_label)
