"""Measures a sparse label against the dense label of the same image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from prettytable import PrettyTable

from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.structures import UNLABELLED

MEASURES = ('coverage', 'precision', 'recall', 'iou')
# The measures in the words of docs/glossary.md, where coverage is another one.
_COLUMNS = ('labelled', 'right', 'recall', 'IoU')


def confusion_matrix(
    truth: np.ndarray, label: np.ndarray, num_classes: int
) -> np.ndarray:
    """Counts pixels by true class and by label.

    Args:
        truth: (H, W) uint8 dense class ids; void pixels, 255, are not counted.
        label: (H, W) uint8 class ids, with or without unlabelled pixels.
        num_classes: number C of classes.

    Returns:
        (C, C + 1) int64; rows are true classes, the last column counts
        unlabelled pixels.

    Raises:
        ValueError: sizes differ, or an id is neither below C nor 255.

    Example:
        >>> truth = np.array([[0, 1, 1]], np.uint8)
        >>> label = np.array([[0, 0, 255]], np.uint8)
        >>> confusion_matrix(truth, label, num_classes=2).tolist()
        [[1, 0, 0], [1, 0, 1]]
    """
    if truth.shape != label.shape:
        raise ValueError(
            f'the label has {label.shape} and the truth {truth.shape} '
            'pixels (height, width), expected one size'
        )
    for name, ids in (('label', label), ('truth', truth)):
        wrong = np.unique(ids[(ids >= num_classes) & (ids != UNLABELLED)])
        if len(wrong):
            raise ValueError(
                f'the {name} holds the class ids {wrong.tolist()}, expected '
                f'ids below {num_classes}, or {UNLABELLED}'
            )
    shape = (num_classes, num_classes + 1)
    counts = np.zeros(np.prod(shape), np.int64)
    # Bands: the int64 of a whole image take 26 times its memory.
    for band in row_bands(truth.shape):
        counted = truth[band] != UNLABELLED
        rows = truth[band][counted].astype(np.int64)
        columns = label[band][counted].astype(np.int64)
        columns[columns == UNLABELLED] = num_classes
        counts += np.bincount(rows * shape[1] + columns, minlength=len(counts))
    return counts.reshape(shape)


def pack_counts(confusion: np.ndarray) -> np.ndarray:
    """Returns the places of a matrix that are not 0, and their values.

    Metrics keep the counts of each image until ranks join them. An image
    shows few classes, and a matrix of 150 classes takes 180 KB.

    Args:
        confusion: (C, C + 1) counts of `confusion_matrix`.

    Returns:
        (2, N) int64; `add_counts` makes a matrix of them.

    Example:
        >>> packed = pack_counts(np.array([[3, 0, 0], [0, 2, 0]]))
        >>> packed.tolist()
        [[0, 4], [3, 2]]
        >>> add_counts([packed, packed], num_classes=2).tolist()
        [[6, 0, 0], [0, 4, 0]]
    """
    places = np.flatnonzero(confusion)
    return np.stack([places, confusion.ravel()[places]])


def add_counts(packed: Iterable[np.ndarray], num_classes: int) -> np.ndarray:
    """Returns the sum of packed counts, (C, C + 1) int64."""
    total = np.zeros((num_classes, num_classes + 1), np.int64)
    for places, counts in packed:
        total.ravel()[places] += counts
    return total


def label_quality(confusion: np.ndarray) -> dict[str, Any]:
    """Computes coverage, precision, recall and IoU.

    Unlabelled pixels count as missed. Recall and IoU of a class without true
    pixels are NaN, and so is the precision of a class without labels.

    Args:
        confusion: (C, C + 1) counts of `confusion_matrix`.

    Returns:
        'coverage' (labelled share of pixels), 'precision' (correct share of
        labelled pixels), 'recall' (correctly labelled share of pixels) and
        'iou' (mean over classes that occur); and 'classes', lists of the
        four for each class. All are shares in [0, 1].
    """
    square = confusion[:, :-1]
    right = square.diagonal().astype(float)
    true, given = confusion.sum(axis=1), square.sum(axis=0)
    labelled = square.sum(axis=1)
    per_class = dict(
        coverage=_share(labelled, true),
        precision=_share(right, given),
        recall=_share(right, true),
        iou=_share(right, true + given - right),
    )
    # A class without true pixels only lowers the IoU of the other classes.
    occurs = true > 0
    iou = per_class['iou'][occurs]
    return dict(
        coverage=float(_share(labelled.sum(), true.sum())),
        precision=float(_share(right.sum(), labelled.sum())),
        recall=float(_share(right.sum(), true.sum())),
        iou=float(iou.mean()) if len(iou) else float('nan'),
        classes={name: v.tolist() for name, v in per_class.items()},
    )


def in_percent(quality: dict[str, Any]) -> dict[str, float]:
    """Returns coverage, precision and IoU of all classes in percent.

    Use it for results that people read: coverage is called 'labelled', and
    precision 'right', see docs/glossary.md.

    Args:
        quality: result of `label_quality`.

    Returns:
        'labelled', 'right' and 'iou', with two decimals.

    Example:
        >>> in_percent(label_quality(np.array([[3, 0, 1], [1, 1, 0]])))
        {'labelled': 83.33, 'right': 80.0, 'iou': 55.0}
    """
    names = dict(labelled='coverage', right='precision', iou='iou')
    return {n: round(100 * quality[name], 2) for n, name in names.items()}


def quality_table(
    quality: dict[str, Any], class_names: Sequence[str]
) -> PrettyTable:
    """Returns a table in percent: a row for each of C classes, one for all.

    Coverage is called labelled, and precision right.

    Args:
        quality: result of `label_quality`.
        class_names: C names.
    """
    table = PrettyTable(['class', *_COLUMNS])
    table.align['class'] = 'l'
    for index, name in enumerate(class_names):
        values = [quality['classes'][column][index] for column in MEASURES]
        table.add_row([name, *map(_percent, values)])
    table.add_row(['all', *(_percent(quality[c]) for c in MEASURES)])
    return table


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    empty = np.full(whole.shape, np.nan)
    return np.divide(part, whole, out=empty, where=whole > 0)


def _percent(share: float) -> str:
    return '-' if np.isnan(share) else f'{100 * share:.1f}'
