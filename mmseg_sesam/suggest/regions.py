"""Regions of an image that a person should look at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from mmseg_sesam.structures import UNLABELLED

# Regions named for an image (our choice).
_NUMBER = 3
# Doubt above which a pixel belongs to a region (our choice).
_DOUBT = 0.5
# Thinner regions than this share of the shorter side are edges between two
# classes, where predictions always differ (our choice).
_THIN = 1 / 100


class Region(NamedTuple):
    """A region of an image.

    Attributes:
        box: (x0, y0, x1, y1), half open, in pixels.
        reason: why to look at it.
    """

    box: tuple[int, int, int, int]
    reason: str


def fallback_regions(
    records: Sequence[dict[str, Any]], classes: Sequence[str]
) -> list[Region]:
    """Returns the largest components that keep their weak pixels alone."""
    lost = sorted(records, key=lambda record: -record['area'])[:_NUMBER]
    regions = []
    for record in lost:
        row0, col0, row1, col1 = record['bbox']
        reason = f'no mask was found for {classes[record["class_id"]]}'
        regions.append(Region((col0, row0, col1, row1), reason))
    return regions


def doubtful_regions(
    doubt: np.ndarray, maps: dict[str, np.ndarray], classes: Sequence[str]
) -> list[Region]:
    """Returns the regions with the most doubt.

    Args:
        doubt: (H, W) in [0, 1], 0 where a person labelled.
        maps: (H, W) uint8 class ids by the name of who gives them; 255 is no
            class.
        classes: names of the classes.
    """
    width = max(round(min(doubt.shape) * _THIN), 1)
    square = np.ones((2 * width + 1,) * 2, np.uint8)
    # Its time does not grow with the square, as scipy's does.
    doubtful = cv2.morphologyEx(
        (doubt > _DOUBT).astype(np.uint8),
        cv2.MORPH_OPEN,
        square,
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    found, count = ndimage.label(doubtful)
    numbers = np.arange(1, count + 1)
    sums = ndimage.sum(doubt, found, numbers) if count else np.zeros(0)
    boxes = ndimage.find_objects(found)
    regions = []
    for place in np.argsort(-sums, kind='stable')[:_NUMBER]:
        rows, cols = boxes[place]
        inside = found[rows, cols] == place + 1
        words = [
            f'{name}: {classes[_most(label[rows, cols][inside])]}'
            for name, label in maps.items()
            if (label[rows, cols][inside] != UNLABELLED).any()
        ]
        regions.append(
            Region(
                (cols.start, rows.start, cols.stop, rows.stop),
                ', '.join(words),
            )
        )
    return regions


def _most(ids: np.ndarray) -> int:
    """Returns the most frequent class id."""
    return int(np.bincount(ids[ids != UNLABELLED]).argmax())
