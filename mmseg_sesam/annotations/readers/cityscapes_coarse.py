"""Cityscapes: coarse (or fine) labels -> train ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.base import Annotation, AnnotationReader, Item
from mmseg_sesam.annotations.classes import to_label, train_ids
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import shown, take
from mmseg_sesam.annotations.options import choice
from mmseg_sesam.io.listing import list_files, list_keyed_files

SOURCES = {
    'labelIds': '.png',
    'polygons': '.json',
    'labelTrainIds': '.png',
}


@dataclass
class CityscapesCoarseReader(AnnotationReader):
    """Reads gtCoarse (or gtFine) of Cityscapes as train ids.

    The table of ids and the drawing of polygons follow the official
    https://github.com/mcordts/cityscapesScripts (helpers/labels.py,
    preparation/json2labelImg.py).
    """

    name = 'cityscapes-coarse'
    example = 'gtCoarse out'
    label_images = True
    classes = ('cityscapes',)

    source: str = choice(
        'labelIds', tuple(SOURCES), 'which of the files of an image to read'
    )

    @classmethod
    def recognises(cls, src: Path) -> bool:
        # Beside PNG files of ids, Cityscapes has renderings and polygons.
        return src.is_dir() and bool(list_files(src, '_labelIds.png'))

    def list_items(self) -> Iterable[Item]:
        ending = f'_{self.source}{SOURCES[self.source]}'
        return [
            Item(key.removesuffix(self.source) + 'labelTrainIds', path)
            for key, path in list_keyed_files(self.src, ending)
        ]

    def image_key(self, item: Item) -> str:
        return re.sub('_gt[A-Za-z]+_[A-Za-z]+$', '_leftImg8bit', item.key)

    def read(self, item: Item) -> Annotation:
        if self.source == 'polygons':
            return self._draw(item)
        values = files.read_index(item.source).values
        if self.source == 'labelIds':
            values = train_ids(values, item.source)
        remedy = (
            f'give the {self.source} files of Cityscapes, or read others with '
            'the format index-png'
        )
        return Annotation(
            to_label(values, len(self.names), item.source, remedy=remedy)
        )

    def _draw(self, item: Item) -> Annotation:
        labels = files.optional_import('cityscapesscripts.helpers.labels')
        known = labels.name2label
        record = files.read_json(item.source)
        size = (
            take(record, f'img{side}', int, item.where)
            for side in ('Width', 'Height')
        )
        canvas = Canvas(item.where, files.checked_size(*size, item.where))
        for polygon in take(record, 'objects', list, item.where):
            label = take(polygon, 'label', str, item.where)
            if label not in known:
                label = label.removesuffix('group')
            if label not in known:
                raise ValueError(
                    f'{item.where} has the label {shown(label)}, expected one '
                    "of Cityscapes' labels; correct it."
                )
            if not polygon.get('deleted') and known[label].id >= 0:
                points = take(polygon, 'polygon', list, item.where)
                canvas.polygon(points, known[label].trainId)
        return canvas.annotation()
