"""LabelMe: a JSON file an image."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.base import Annotation, Item
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import shown, take
from mmseg_sesam.annotations.labelme_digest import is_unchanged
from mmseg_sesam.annotations.shapes import AllShapes, NamedReader
from mmseg_sesam.io.images import image_size


@dataclass
class LabelmeReader(NamedReader, AllShapes):
    """Reads the JSON files of LabelMe.

    Later shapes lie over earlier ones, as in LabelMe's own export. Pixels
    that no shape covers are unlabelled; that export makes them class 0, and
    so does `undrawn` for any class. Source:
    https://github.com/wkentaro/labelme (labelme/utils/shape.py).
    """

    name = 'labelme'
    example = 'labels out --classes cat dog'
    endings = '.json'

    def labels_of(self, item: Item) -> list[str]:
        record = files.read_json(item.source)
        shapes = take(record, 'shapes', list, item.where)
        return [take(shape, 'label', str, item.where) for shape in shapes]

    def is_unchanged(self, item: Item) -> bool:
        return is_unchanged(files.read_json(item.source))

    def read(self, item: Item) -> Annotation:
        record = files.read_json(item.source)
        size = _size(record, item)
        canvas = self.canvas(item, size, outside=self.outside)
        for shape in take(record, 'shapes', list, item.where):
            label = take(shape, 'label', str, item.where)
            self._draw(canvas, shape, self.class_id(label, item.where))
        return canvas.annotation()

    def _draw(self, canvas: Canvas, shape: dict, class_id: int) -> None:
        # Files of the first versions have polygons alone, without types.
        kind = shape.get('shape_type') or 'polygon'
        points = take(shape, 'points', list, canvas.name)
        if kind == 'polygon':
            canvas.polygon(points, class_id)
        elif kind in ('line', 'linestrip'):
            canvas.line(points, class_id, self.width)
        elif kind in ('point', 'points'):
            canvas.dots(points, class_id, self.radius)
        elif kind == 'mask':
            text = take(shape, 'mask', str, canvas.name)
            subject = f'{canvas.name} has a mask that'
            mask = files.read_mask(_decode(text, subject), subject)
            corners = canvas.points(points)
            if canvas.keeps(kind, corners, 1, class_id):
                # A moved mask has fractions, which LabelMe rounds.
                canvas.mask(mask, corners[0].round(), class_id)
        elif kind in ('rectangle', 'oriented_rectangle', 'circle'):
            self._draw_box(canvas, kind, points, class_id)
        else:
            canvas.skip(f'{shown(kind)}, which is no known shape')

    def _draw_box(
        self, canvas: Canvas, kind: str, points: list, class_id: int
    ) -> None:
        draw, corners = canvas.polygon, canvas.points(points)
        if not canvas.keeps(kind, corners, 2, class_id):
            return
        if kind == 'rectangle':
            draw = canvas.rectangle
        elif kind == 'circle':
            draw = canvas.circle
            radius = np.hypot(*(corners[1] - corners[0]))
            corners = corners[0] + [[-radius, -radius], [radius, radius]]
        if self.keeps_box(canvas, kind, corners):
            draw(points, class_id)


def _size(record: Any, item: Item) -> tuple[int, int]:
    """Returns width and height of the image of a record.

    Files of LabelMe before 3.0 hold no size: it is then the size of the
    image within the file, or of the image file.
    """
    sides = 'imageWidth', 'imageHeight'
    record = record if isinstance(record, dict) else {}
    if all(record.get(side) is not None for side in sides):
        size = [take(record, side, int, item.where) for side in sides]
        return files.checked_size(*size, item.where)
    if record.get('imageData'):
        text = take(record, 'imageData', str, item.where)
        subject = f'{item.where} has imageData that'
        return image_size(BytesIO(_decode(text, subject)), subject)
    beside = str(record.get('imagePath')).replace('\\', '/')
    image = item.image or item.source.parent / beside
    if not os.path.isfile(image):
        found = ', '.join(f'{s}={shown(record.get(s))}' for s in sides)
        raise ValueError(
            f'{item.where} has {found}, no imageData, and no image at its '
            f'imagePath={shown(record.get("imagePath"))} to take the size '
            'from; give the folder of the images with --images.'
        )
    return image_size(image)


def _decode(text: str, subject: str) -> bytes:
    """Returns the bytes of a text in base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(
            f'{subject} cannot be read as base64 ({error}); correct or remove '
            'it.'
        ) from error
