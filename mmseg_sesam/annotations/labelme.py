"""LabelMe: a JSON file an image."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .base import Annotation, AnnotationReader, Item, list_files
from .classes import NamedReader
from .drawing import Canvas
from .files import checked_size, read_json, read_mask, shown, take
from .options import DotRadius, LineWidth, Outside


@dataclass
class LabelmeReader(
    NamedReader, LineWidth, DotRadius, Outside, AnnotationReader
):
    """Reads the JSON files of LabelMe.

    Pixels that no shape covers are unlabelled, whereas LabelMe's own export
    makes them class 0; `undrawn` does the same for a class. Source:
    https://github.com/wkentaro/labelme (labelme/utils/shape.py).
    """

    name = 'labelme'

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.names:
            raise ValueError(
                f'{self.src} does not hold the order of the classes; give '
                'their names with --classes.'
            )

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        return [Item(*file) for file in list_files(self.src, '.json')]

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        name = str(item.source)
        record = read_json(item.source)
        size = (
            take(record, f'image{side}', int, name)
            for side in ('Width', 'Height')
        )
        size = checked_size(*size, name)
        canvas = Canvas(name, size, self.outside, self.fill())
        for shape in take(record, 'shapes', list, name):
            label = take(shape, 'label', str, name)
            self._draw(canvas, shape, self.class_id(label, name))
        return canvas.annotation()

    def _draw(self, canvas: Canvas, shape: dict, class_id: int) -> None:
        # Files of the first versions have polygons alone, and no types.
        kind = shape.get('shape_type') or 'polygon'
        points = take(shape, 'points', list, canvas.name)
        if kind in ('polygon', 'oriented_rectangle'):
            canvas.polygon(points, class_id)
        elif kind in ('line', 'linestrip'):
            canvas.line(points, class_id, self.width)
        elif kind == 'point':
            canvas.dots(points, class_id, self.radius)
        elif kind == 'rectangle':
            canvas.rectangle(points, class_id)
        elif kind == 'circle':
            canvas.circle(points, class_id)
        elif kind == 'mask':
            mask = _mask(shape, canvas.name)
            canvas.mask(mask, (points or [None])[0], class_id)
        else:
            reason = f'{shown(kind)} is no shape that can be drawn, skipped'
            canvas.notes.append((reason, canvas.name))


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
