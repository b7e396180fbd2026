"""Cityscapes: coarse (or fine) labels -> train ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mmseg_sesam.annotations.base import (
    IGNORE_INDEX,
    Annotation,
    AnnotationReader,
    Item,
    list_keyed_files,
    option,
)
from mmseg_sesam.annotations.classes import resolve_classes
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import (
    checked_size,
    optional_import,
    read_index,
    read_json,
    shown,
    take,
)
from mmseg_sesam.annotations.readers.index_png import to_label

SOURCES = {
    'labelIds': '.png',
    'polygons': '.json',
    'labelTrainIds': '.png',
}


@dataclass
class CityscapesCoarseReader(AnnotationReader):
    """Reads gtCoarse (or gtFine) of Cityscapes, and writes train ids.

    The table of ids, and the way polygons are drawn, are those of the
    official https://github.com/mcordts/cityscapesScripts
    (helpers/labels.py, preparation/json2labelImg.py).
    """

    name = 'cityscapes-coarse'
    example = 'gtCoarse out'

    source: str = option(
        'labelIds',
        'which of the files of an image to read (default: %(default)s)',
        choices=tuple(SOURCES),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.names, self.palette = resolve_classes(['cityscapes'])

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        ending = f'_{self.source}{SOURCES[self.source]}'
        return [
            Item(key.removesuffix(self.source) + 'labelTrainIds', path)
            for key, path in list_keyed_files(self.src, ending)
        ]

    def image_key(self, item: Item) -> str:
        """See the base class."""
        return re.sub('_gt[A-Za-z]+_[A-Za-z]+$', '_leftImg8bit', item.key)

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        if self.source == 'polygons':
            return self._draw(item)
        values, _ = read_index(item.source)
        if self.source == 'labelIds':
            values = train_ids(values, item.source)
        label = to_label(
            values,
            len(self.names),
            item.source,
            remedy=f'give the {self.source} files of Cityscapes, or read '
            'others with the format index-png',
        )
        return Annotation(label)

    def _draw(self, item: Item) -> Annotation:
        labels = optional_import('cityscapesscripts.helpers.labels')
        name = str(item.source)
        record = read_json(item.source)
        size = (
            take(record, f'img{s}', int, name) for s in ('Width', 'Height')
        )
        canvas = Canvas(name, checked_size(*size, name))
        for polygon in take(record, 'objects', list, name):
            label = take(polygon, 'label', str, name)
            if label not in labels.name2label:
                label = label.removesuffix('group')
            if label not in labels.name2label:
                raise ValueError(
                    f'{name} has the label {shown(label)}, expected one of '
                    "Cityscapes' labels; correct it."
                )
            entry = labels.name2label[label]
            if not polygon.get('deleted') and entry.id >= 0:
                points = take(polygon, 'polygon', list, name)
                canvas.polygon(points, entry.trainId)
        return canvas.annotation()


def train_ids(
    ids: np.ndarray,
    where: object,
    remedy: str = 'give its labelIds files',
) -> np.ndarray:
    """Turns the label ids of Cityscapes into train ids.

    Args:
        ids: (H, W) integers.
        where: the file, for the error.
        remedy: what to do with other values, for the error.

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
    wrong = found[table[np.clip(found, 0, 255)] < 0]
    wrong = np.union1d(wrong, found[(found < 0) | (found > 255)])
    if len(wrong):
        raise ValueError(
            f'{where} holds the values {wrong[:8].tolist()}, expected label '
            f'ids of Cityscapes, 0 to 33; {remedy}.'
        )
    return table[ids]
