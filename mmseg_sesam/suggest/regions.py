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
        ids = np.stack([m[rows, cols][inside] for m in maps.values()])
        regions.append(
            Region(
                (cols.start, rows.start, cols.stop, rows.stop),
                _reason(ids, list(maps), classes),
            )
        )
    return regions


def _reason(
    ids: np.ndarray, names: Sequence[str], classes: Sequence[str]
) -> str:
    """Returns the most frequent answers, among those that differ if any do.

    Args:
        ids: (M, P) class ids that M maps give to the P pixels.
        names: of the maps.
        classes: names of the classes.
    """
    # A number for each pixel: sorting rows takes much longer.
    places = 256 ** np.arange(len(names))
    _, first, counts = np.unique(
        places @ ids, return_index=True, return_counts=True
    )
    answers = [
        {n: classes[i] for n, i in zip(names, answer) if i != UNLABELLED}
        for answer in ids[:, first].T
    ]
    differ = [len({*answer.values()}) > 1 for answer in answers]
    best = answers[np.lexsort((counts, differ))[-1]]
    if any(differ):
        return ', '.join(f'{name}: {found}' for name, found in best.items())
    return f'predictions of {next(iter(best.values()))} are uncertain'
