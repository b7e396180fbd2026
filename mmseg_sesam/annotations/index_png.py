"""Images that already hold class ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mmseg_sesam.io.listing import LABEL_SUFFIXES

from .base import (
    IGNORE_INDEX,
    Annotation,
    AnnotationReader,
    Item,
    list_files,
    option,
)
from .classes import resolve_classes
from .files import read_index


@dataclass
class IndexPngReader(AnnotationReader):
    """Reads PNG or TIFF files of class ids, grey or palette, 8 or 16 bits.

    So RLoss, TEL, SPML and many others keep weak labels; they differ in
    the value that means unlabelled.
    """

    name = 'index-png'

    classes: tuple[str, ...] = option(
        (),
        'names of the classes in the order of their ids, or one name such '
        'as voc or cityscapes; other ids are errors',
        nargs='+',
    )
    unlabelled: tuple[int, ...] = option(
        (),
        'values besides 255 that mean unlabelled, such as 21 for VOC, 19 '
        'for Cityscapes, or -1, which images hold as their largest value',
        nargs='+',
        type=int,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.names, self.palette = resolve_classes(self.classes)

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        return [Item(*file) for file in list_files(self.src, LABEL_SUFFIXES)]

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        values, largest = read_index(item.source)
        void = {value % (largest + 1) for value in self.unlabelled}
        return Annotation(to_label(values, len(self.names), item.source, void))


def to_label(
    values: np.ndarray,
    num_classes: int,
    where: object,
    void: Iterable[int] = (),
    first: int = 0,
) -> np.ndarray:
    """Checks values, and turns them into class ids and 255.

    Args:
        values: (H, W) integers.
        num_classes: number of classes, 0 if it is not known.
        where: the file, for the error.
        void: values that mean unlabelled, besides 255.
        first: value of class 0.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: there are other values than those of classes.
    """
    last = first + (num_classes or IGNORE_INDEX) - 1
    unlabelled = np.isin(values, [*void, IGNORE_INDEX])
    wrong = ~unlabelled & ((values < first) | (values > last))
    if wrong.any():
        raise ValueError(
            f'{where} holds the values {np.unique(values[wrong])[:8]}, '
            f'expected class ids from {first} to {last}, or 255; declare '
            'what means unlabelled with --unlabelled, correct --classes, or '
            'convert a rendering in colours with the format color-png.'
        )
    label = np.where(unlabelled, IGNORE_INDEX, values - first)
    return label.astype(np.uint8)
