"""Distance of pixels to the outside of a mask."""

from __future__ import annotations

import cv2
import numpy as np


def depth_in(mask: np.ndarray, exact: bool = True) -> np.ndarray:
    """Computes the distance of each pixel to the outside of a mask.

    Args:
        mask: (h, w) bool; pixels beyond the array are outside.
        exact: False takes a faster approximation of the Euclidean distance.

    Returns:
        (h, w) float32, in pixels; 0 outside.

    Example:
        >>> depth_in(np.ones((1, 5), bool)).tolist()
        [[1.0, 1.0, 1.0, 1.0, 1.0]]
    """
    padded = np.pad(mask.astype(np.uint8), 1)
    size = cv2.DIST_MASK_PRECISE if exact else cv2.DIST_MASK_3
    return cv2.distanceTransform(padded, cv2.DIST_L2, size)[1:-1, 1:-1]
