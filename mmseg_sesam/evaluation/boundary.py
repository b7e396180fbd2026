"""Boundary IoU: how well outlines of a label agree with the dense label."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mmseg_sesam.core.bands import count_values
from mmseg_sesam.structures import UNLABELLED

# Width of the compared bands, as a share of the image's diagonal (the
# paper's).
WIDTH = 0.02


def count_boundaries(
    truth: np.ndarray,
    label: np.ndarray,
    num_classes: int,
    width: float = WIDTH,
) -> np.ndarray:
    """Counts pixels of the bands inside the outlines of each class.

    Source: Cheng et al., 2021. Over a data set counts are added up, as mmseg
    does it for IoU (our choice).

    Args:
        truth: (H, W) uint8 dense class ids. Void pixels, 255, are not
            counted. The edge of a void region is no outline: its pixels get
            the ids of the label before outlines are searched.
        label: (H, W) uint8 class ids, with or without unlabelled pixels.
        num_classes: number C of classes.
        width: of a band, as a share of the image's diagonal; at least one
            pixel.

    Returns:
        (C, 3) int64: pixels in both bands of a class, in either band, and of
        the true class.

    Example:
        >>> truth = np.zeros((60, 60), np.uint8)
        >>> truth[20:40, 20:40] = 1
        >>> label = np.roll(truth, 1, axis=0)
        >>> counts = count_boundaries(truth, label, 2)
        >>> round(boundary_iou(counts)['iou'], 2)
        0.74
    """
    pixels = max(round(width * float(np.hypot(*truth.shape))), 1)
    known = truth != UNLABELLED
    filled = np.where(known, truth, label)
    bands = [_band(ids, pixels) & known for ids in (filled, label)]

    def count(ids: np.ndarray, among: np.ndarray) -> np.ndarray:
        left = np.where(among, ids, np.uint8(UNLABELLED))
        return count_values(left)[:num_classes]

    both = count(truth, bands[0] & bands[1] & (truth == label))
    each = count(truth, bands[0]) + count(label, bands[1])
    return np.stack([both, each - both, count(truth, known)], axis=1)


def boundary_iou(counts: np.ndarray) -> dict[str, Any]:
    """Returns the boundary IoU of counts, as shares in [0, 1].

    Args:
        counts: (C, 3), a sum of `count_boundaries`.

    Returns:
        'iou', the mean over classes that occur, and 'classes', a list; NaN
        for classes that do not occur.
    """
    both, either, true = counts.astype(float).T
    empty = np.full(len(counts), np.nan)
    values = np.divide(both, either, out=empty, where=true > 0)
    occurs = values[true > 0]
    mean = float(occurs.mean()) if len(occurs) else float('nan')
    return dict(iou=mean, classes=values.tolist())


def _band(ids: np.ndarray, pixels: int) -> np.ndarray:
    """Returns the (H, W) bool pixels near one of another class.

    The border of the image is an outline too, as in the paper's code.
    """
    square = np.ones((2 * pixels + 1,) * 2, np.uint8)
    band = cv2.erode(ids, square) != cv2.dilate(ids, square)
    band[:pixels] = band[-pixels:] = True
    band[:, :pixels] = band[:, -pixels:] = True
    return band
