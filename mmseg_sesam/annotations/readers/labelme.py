"""LabelMe: a JSON file an image."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmseg_sesam.annotations.base import (
    Annotation,
    AnnotationReader,
    Item,
    list_keyed_files,
)
from mmseg_sesam.annotations.classes import NamedReader
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import (
    checked_size,
    embedded_size,
    image_size,
    read_json,
    read_mask,
    shown,
    take,
)
from mmseg_sesam.annotations.found_labels import FoundLabels
from mmseg_sesam.annotations.options import (
    Boxes,
    DotRadius,
    LineWidth,
    Outside,
)


@dataclass
class LabelmeReader(
    NamedReader, LineWidth, DotRadius, Outside, Boxes, AnnotationReader
):
    """Reads the JSON files of LabelMe.

    Later shapes lie over earlier ones, as in LabelMe's own export. Pixels
    that no shape covers are unlabelled, whereas that export makes them class
    0; `undrawn` does the same for a class. Source:
    https://github.com/wkentaro/labelme (labelme/utils/shape.py).
    """

    name = 'labelme'
    example = 'labels out --classes cat dog'

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        return [Item(*file) for file in list_keyed_files(self.src, '.json')]

    def found_labels(self, items: list[Item]) -> FoundLabels:
        """See the base class."""
        found = FoundLabels()
        for item in items:
            name = str(item.source)
            try:
                shapes = take(read_json(item.source), 'shapes', list, name)
                labels = [take(shape, 'label', str, name) for shape in shapes]
            except (ValueError, OSError):
                # `read` names the file with what is wrong.
                found.complete = False
            else:
                found.add(labels, name)
        return found

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        name = str(item.source)
        record = read_json(item.source)
        size = _size(record, item)
        canvas = Canvas(name, size, self.outside, self.fill(), self.names)
        for shape in take(record, 'shapes', list, name):
            label = take(shape, 'label', str, name)
            self._draw(canvas, shape, self.class_id(label, name))
        return canvas.annotation()

    def _draw(self, canvas: Canvas, shape: dict, class_id: int) -> None:
        # Files of the first versions have polygons alone, and no types.
        kind = shape.get('shape_type') or 'polygon'
        points = take(shape, 'points', list, canvas.name)
        if kind == 'polygon':
            canvas.polygon(points, class_id)
        elif kind in ('line', 'linestrip'):
            canvas.line(points, class_id, self.width)
        elif kind in ('point', 'points'):
            canvas.dots(points, class_id, self.radius)
        elif kind == 'mask':
            mask = _mask(shape, canvas.name)
            canvas.mask(mask, (points or [None])[0], class_id)
        elif kind in ('rectangle', 'oriented_rectangle', 'circle'):
            self._draw_box(canvas, kind, points, class_id)
        else:
            canvas.skip(f'{shown(kind)}, which is no known shape')

    def _draw_box(
        self, canvas: Canvas, kind: str, points: list, class_id: int
    ) -> None:
        corners = canvas.points(points, 2)
        if kind == 'circle':
            radius = np.hypot(*(corners[1] - corners[0]))
            corners = corners[0] + [[-radius, -radius], [radius, radius]]
        if not self.keeps_box(canvas, kind, corners):
            return
        if kind == 'circle':
            canvas.circle(points, class_id)
        elif kind == 'rectangle':
            canvas.rectangle(points, class_id)
        else:
            canvas.polygon(points, class_id)


def _size(record: Any, item: Item) -> tuple[int, int]:
    """Width and height of the image of a record.

    Files of LabelMe before 3.0 do not hold them: they are then those of the
    image in the file, or of the image file.
    """
    name = str(item.source)
    sides = 'imageWidth', 'imageHeight'
    record = record if isinstance(record, dict) else {}
    if all(record.get(side) is not None for side in sides):
        size = [take(record, side, int, name) for side in sides]
        return checked_size(*size, name)
    if record.get('imageData'):
        text = take(record, 'imageData', str, name)
        try:
            return embedded_size(base64.b64decode(text, validate=True))
        except ValueError as error:
            raise ValueError(
                f'{name} has imageData that cannot be read ({error}); '
                'correct or remove it.'
            ) from error
    beside = str(record.get('imagePath')).replace('\\', '/')
    image = item.image or item.source.parent / beside
    if not os.path.isfile(image):
        found = ', '.join(f'{s}={shown(record.get(s))}' for s in sides)
        raise ValueError(
            f'{name} has {found}, no imageData, and no image at its '
            f'imagePath={shown(record.get("imagePath"))} to take the size '
            'from; give the folder of the images with --images.'
        )
    return image_size(image)


def _mask(shape: dict[str, Any], name: str) -> np.ndarray:
    """The (h, w) bool mask of a PNG in base64."""
    text = take(shape, 'mask', str, name)
    try:
        return read_mask(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise ValueError(
            f'{name} has a mask that cannot be read ({error}); correct or '
            'remove that shape.'
        ) from error
