"""Turns the values of index images into class ids."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mmseg_sesam.annotations.classes import IGNORE_INDEX
from mmseg_sesam.annotations.files import optional_import


def to_label(
    values: np.ndarray,
    num_classes: int,
    where: object,
    void: Iterable[int] = (),
    first: int = 0,
    remedy: str = 'correct it',
) -> np.ndarray:
    """Checks values and turns them into class ids and 255.

    Args:
        values: (H, W) integers.
        num_classes: number of classes, 0 if unknown.
        where: file, for the message.
        void: values that mean unlabelled, besides 255.
        first: value of class 0.
        remedy: what to do with other values, for the message.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: there are other values.

    Example:
        >>> to_label(np.array([0, 1, 2]), 2, 'a.png', void=[0], first=1)
        array([255,   0,   1], dtype=uint8)
    """
    last = first + (num_classes or IGNORE_INDEX) - 1
    unlabelled = np.isin(values, [*void, IGNORE_INDEX])
    wrong = ~unlabelled & ((values < first) | (values > last))
    if wrong.any():
        raise ValueError(
            f'{where} holds the values {np.unique(values[wrong])[:8]}, '
            f'expected class ids from {first} to {last}, or 255; {remedy}.'
        )
    label = np.where(unlabelled, IGNORE_INDEX, values - first)
    return label.astype(np.uint8)


def train_ids(
    ids: np.ndarray,
    where: object,
    remedy: str = 'give its labelIds files',
) -> np.ndarray:
    """Turns the label ids of Cityscapes into train ids.

    Args:
        ids: (H, W) integers.
        where: file, for the message.
        remedy: what to do with other values, for the message.

    Returns:
        (H, W) integers, 255 = unlabelled.

    Raises:
        ValueError: there are other values than label ids.
    """
    labels = optional_import('cityscapesscripts.helpers.labels')
    table = np.full(256, -1)
    table[IGNORE_INDEX] = IGNORE_INDEX
    for entry in labels.labels:
        if entry.id >= 0:
            table[entry.id] = entry.trainId
    found = np.unique(ids)
    known = (found >= 0) & (found <= 255) & (table[found.clip(0, 255)] >= 0)
    if not known.all():
        raise ValueError(
            f'{where} holds the values {found[~known][:8].tolist()}, expected '
            f'label ids of Cityscapes, 0 to 33; {remedy}.'
        )
    return table[ids]
