"""Blocks: the innermost part of an object, of a given share."""

from __future__ import annotations

import numpy as np

from mmseg_sesam.core.weak_labels.marks import depth_in


def draw_block(mask: np.ndarray, share: float) -> np.ndarray:
    """Labels a share of an object's pixels, those farthest from its edge.

    The shares 0.1, 0.2 and 0.5 follow the block-wise setting of TEL (Liang
    et al., CVPR 2022), which simulates its annotations as well; that the
    innermost pixels are taken is our choice.

    Args:
        mask: (h, w) bool, the object.
        share: of the object's pixels.

    Returns:
        (h, w) bool, within the object; true at one pixel at least.
    """
    depth = depth_in(mask).ravel()
    number = max(round(share * int(mask.sum())), 1)
    marks = np.zeros(mask.size, bool)
    marks[np.argsort(-depth, kind='stable')[:number]] = True
    return marks.reshape(mask.shape)
