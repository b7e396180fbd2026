"""Blocks: the innermost part of an object, of a given share."""

from __future__ import annotations

import numpy as np

from mmseg_sesam.core.depth import depth_in


def draw_block(mask: np.ndarray, share: float) -> np.ndarray:
    """Labels a share of an object's pixels, the farthest from its edge.

    The shares 0.1, 0.2 and 0.5 follow the block-wise setting of TEL (Liang
    et al., CVPR 2022), which simulates its annotations as well; taking the
    innermost pixels is our choice.

    Args:
        mask: (h, w) bool, the object.
        share: share of the object's pixels, above 0 and up to 1.

    Returns:
        (h, w) bool, within the object; true at one pixel at least.

    Example:
        >>> int(draw_block(np.ones((1, 5), bool), 0.2).sum())
        1
    """
    depth = depth_in(mask).ravel()
    number = max(round(share * int(mask.sum())), 1)
    drawn = np.zeros(mask.size, bool)
    drawn[np.argsort(-depth, kind='stable')[:number]] = True
    return drawn.reshape(mask.shape)
