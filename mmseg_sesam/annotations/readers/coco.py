"""COCO: polygons and masks of all images in one JSON file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmseg_sesam.annotations.base import (
    Annotation,
    AnnotationReader,
    Item,
    safe_key,
)
from mmseg_sesam.annotations.classes import NamedReader, name_classes
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import (
    checked_size,
    optional_import,
    read_json,
    shown,
    take,
)
from mmseg_sesam.annotations.found_labels import FoundLabels
from mmseg_sesam.annotations.options import Boxes


@dataclass
class CocoReader(NamedReader, Boxes, AnnotationReader):
    """Reads the segmentations of a COCO file.

    COCO knows no order of shapes: smaller ones are drawn over larger ones.
    Without `classes`, the classes are the categories in the order of their
    ids. Source: https://cocodataset.org/#format-data; polygons and masks
    are decoded by the official pycocotools.
    """

    name = 'coco'
    example = 'instances.json out --classes cat dog'
    without_classes = 'lists no categories'

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        where = str(self.src)
        record = read_json(self.src)
        categories = {
            take(category, 'id', int, where): take(
                category, 'name', str, where
            )
            for category in take(record, 'categories', list, where)
        }
        if not self.classes:
            names = [categories[index] for index in sorted(categories)]
            names = [name for name in names if name not in self.unlabelled]
            self.names, self.palette = name_classes(names)
        self._declared = [*categories.values()]
        shapes: dict[int, list] = defaultdict(list)
        for annotation in take(record, 'annotations', list, where):
            category = take(annotation, 'category_id', int, where)
            if category not in categories:
                raise ValueError(
                    f'{where} has an annotation of the category {category}, '
                    'which it does not list; export it again.'
                )
            image = take(annotation, 'image_id', int, where)
            shapes[image].append(
                (
                    categories[category],
                    annotation.get('segmentation'),
                    annotation.get('bbox'),
                )
            )
        items = []
        for image in take(record, 'images', list, where):
            name = take(image, 'file_name', str, where)
            data = dict(
                name=name,
                size=(image.get('width'), image.get('height')),
                shapes=shapes.pop(take(image, 'id', int, where), []),
            )
            items.append(Item(safe_key(name, self.src), self.src, data))
        if shapes:
            raise ValueError(
                f'{where} has annotations of the images {[*shapes][:8]}, '
                'which it does not list; export it again.'
            )
        return items

    def found_labels(self, items: list[Item]) -> FoundLabels:
        """See the base class."""
        found = FoundLabels(self._declared)
        for item in items:
            labels = (label for label, _, _ in item.data['shapes'])
            found.add(labels, item.data['name'])
        return found

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        name = f'{item.source}: {item.data["name"]}'
        size = checked_size(*item.data['size'], name)
        canvas = Canvas(
            name, size, fill=self.fill(), names=self.names, by_area=True
        )
        for label, segmentation, box in item.data['shapes']:
            class_id = self.class_id(label, name)
            if segmentation:
                _draw(segmentation, canvas, class_id)
            elif box:
                corners = _corners(box, name)
                kind = 'box without segmentation'
                if self.keeps_box(canvas, kind, corners):
                    canvas.rectangle(corners, class_id)
            else:
                canvas.skip('annotation without segmentation')
        return canvas.annotation()


def _corners(box: Any, name: str) -> list[list[float]]:
    """Two corners of a box x, y, width, height."""
    numbers = isinstance(box, list) and len(box) == 4
    if not numbers or not all(isinstance(v, (int, float)) for v in box):
        raise ValueError(
            f'{name} has bbox={shown(box)}, expected x, y, width and height; '
            'correct it.'
        )
    x, y, width, height = map(float, box)
    return [[x, y], [x + width, y + height]]


def _draw(segmentation: Any, canvas: Canvas, class_id: int) -> None:
    mask = _decode(segmentation, canvas)
    if mask.any() and isinstance(segmentation, list):
        points = np.concatenate([np.ravel(part) for part in segmentation])
        canvas.note_cut(points.reshape(-1, 2))
    canvas.mask(mask, (0, 0), class_id)


def _decode(segmentation: Any, canvas: Canvas) -> np.ndarray:
    """The mask of polygons, of runs, or of compressed runs; (H, W) bool."""
    coco = optional_import('pycocotools.mask')
    width, height = canvas.size
    try:
        if isinstance(segmentation, list):
            polygons = [_polygon(polygon, canvas) for polygon in segmentation]
            runs = coco.merge(coco.frPyObjects(polygons, height, width))
        else:
            runs = _runs(segmentation, height, width)
        return coco.decode(runs).astype(bool)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f'{canvas.name} has a segmentation that cannot be decoded '
            f'({error}); export it again.'
        ) from error


def _polygon(values: Any, canvas: Canvas) -> list[float]:
    """The flat list of a polygon, after a look at its points."""
    if not isinstance(values, list) or len(values) % 2:
        raise ValueError('a polygon is no list of x, y, x, y')
    points = [values[i : i + 2] for i in range(0, len(values), 2)]
    return canvas.points(points, 3).ravel().tolist()


def _runs(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    """Compressed runs; what pycocotools would not check is checked here."""
    coco = optional_import('pycocotools.mask')
    size = segmentation.get('size') if isinstance(segmentation, dict) else None
    if size != [height, width]:
        raise ValueError(
            f'its size is {shown(size)}, expected {[height, width]}'
        )
    counts = segmentation.get('counts')
    if isinstance(counts, str):
        return dict(size=size, counts=counts.encode('ascii'))
    if not isinstance(counts, list) or not all(
        isinstance(run, int) and run >= 0 for run in counts
    ):
        raise ValueError('its counts are no numbers from 0')
    if sum(counts) != height * width:
        raise ValueError('its counts do not fill the image')
    return coco.frPyObjects(segmentation, height, width)
