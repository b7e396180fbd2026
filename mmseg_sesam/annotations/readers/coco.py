"""COCO: polygons and masks of all images in one JSON file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.base import Annotation, Item, safe_key
from mmseg_sesam.annotations.classes import name_classes
from mmseg_sesam.annotations.coco_rle import decode_runs, read_counts
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import shown, take
from mmseg_sesam.annotations.shapes import Boxes, NamedReader, size_of
from mmseg_sesam.io.names import nfc


@dataclass
class CocoReader(NamedReader, Boxes):
    """Reads the segmentations of a COCO file.

    COCO knows no order of shapes: smaller ones are drawn over larger ones.
    Without `classes`, the classes are the categories in the order of their
    ids. Source: https://cocodataset.org/#format-data; the official
    pycocotools draw polygons.
    """

    name = 'coco'
    example = 'instances.json out --classes cat dog'
    without_classes = 'lists no categories'

    def list_items(self) -> Iterable[Item]:
        where = str(self.src)
        record = files.read_json(self.src)
        names = _names(record, 'categories', 'name', where)
        # Shapes name their image by its id alone.
        _names(record, 'images', 'file_name', where)
        self.declared = [*names.values()]
        if not self.classes:
            self.names, self.palette = name_classes(
                names[index]
                for index in sorted(names)
                if nfc(names[index]) not in self.unlabelled
            )
        shapes: dict[int, list] = defaultdict(list)
        for entry in take(record, 'annotations', list, where):
            category = take(entry, 'category_id', int, where)
            if category not in names:
                raise ValueError(
                    f'{where} has an annotation of the category {category}, '
                    'which it does not list; export it again.'
                )
            shape = entry.get('segmentation'), entry.get('bbox')
            image = take(entry, 'image_id', int, where)
            shapes[image].append((names[category], *shape))
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

    def labels_of(self, item: Item) -> list[str]:
        return [label for label, _, _ in item.data['shapes']]

    def read(self, item: Item) -> Annotation:
        size = size_of(item, *item.data['size'])
        canvas = self.canvas(item, size, by_area=True)
        for label, segmentation, box in item.data['shapes']:
            class_id = self.class_id(label, item.where)
            segmentation = _leave_out_short(segmentation, canvas)
            if segmentation:
                mask, left = _decode(segmentation, canvas)
                if mask.any() and isinstance(segmentation, list):
                    points = np.concatenate([*map(np.ravel, segmentation)])
                    canvas.note_cut(points.reshape(-1, 2))
                canvas.mask(mask, (left, 0), class_id)
            elif box:
                corners = _corners(box, item.where)
                kind = 'box without segmentation'
                if self.keeps_box(canvas, kind, corners):
                    canvas.rectangle(corners, class_id)
            else:
                canvas.skip('annotation without segmentation')
        return canvas.annotation()


def _names(record: Any, kind: str, key: str, where: str) -> dict[int, str]:
    """Returns the names of the entries of a list by their ids.

    Raises:
        ValueError: two entries of one id have different names.
    """
    names: dict[int, str] = {}
    for entry in take(record, kind, list, where):
        index = take(entry, 'id', int, where)
        name = take(entry, key, str, where)
        other = names.setdefault(index, name)
        if other != name:
            raise ValueError(
                f'{where} has the id {index} twice in {kind}, for '
                f'{shown(other)} and {shown(name)}, expected one name for '
                'each id; if it was merged from several files, convert those '
                'one by one.'
            )
    return names


def _corners(box: Any, where: str) -> list[list[float]]:
    """Returns two corners of a box of x, y, width, height."""
    numbers = isinstance(box, list) and len(box) == 4
    if not numbers or not all(isinstance(v, (int, float)) for v in box):
        raise ValueError(
            f'{where} has bbox={shown(box)}, expected x, y, width and height; '
            'correct it.'
        )
    x, y, width, height = box
    return [[x, y], [x + width, y + height]]


def _leave_out_short(segmentation: Any, canvas: Canvas) -> Any:
    """Returns a segmentation without polygons of fewer than 3 points.

    Tools leave them behind where a person began a polygon.
    """
    if not isinstance(segmentation, list):
        return segmentation
    short = [isinstance(p, list) and len(p) < 6 for p in segmentation]
    note = 'polygon of fewer than 3 points, left out', canvas.name
    canvas.notes += [note] * sum(short)
    return [p for p, is_short in zip(segmentation, short) if not is_short]


def _decode(segmentation: Any, canvas: Canvas) -> tuple[np.ndarray, int]:
    """Returns the columns of polygons or runs, and the first one.

    pycocotools encodes polygons at image size, which costs no more than
    their outlines do; a mask of the whole image would.
    """
    coco = files.optional_import('pycocotools.mask')
    width, height = canvas.size
    try:
        if isinstance(segmentation, list):
            polygons = [_polygon(polygon, canvas) for polygon in segmentation]
            runs = coco.merge(coco.frPyObjects(polygons, height, width))
            counts = read_counts(runs['counts'])
        else:
            counts = _counts(segmentation, height, width)
        return decode_runs(counts, canvas.size)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f'{canvas.name} has a segmentation that cannot be decoded '
            f'({error}); export it again.'
        ) from error


def _polygon(values: Any, canvas: Canvas) -> list[float]:
    """Returns the flat list of a polygon after checking its points."""
    if not isinstance(values, list) or len(values) % 2:
        raise ValueError('a polygon is no list of x, y, x, y')
    points = [values[i : i + 2] for i in range(0, len(values), 2)]
    return canvas.points(points).ravel().tolist()


def _counts(segmentation: Any, height: int, width: int) -> np.ndarray:
    """Returns the lengths of the runs of a mask, compressed or not."""
    size = segmentation.get('size') if isinstance(segmentation, dict) else None
    if size != [height, width]:
        raise ValueError(
            f'its size is {shown(size)}, expected {[height, width]}'
        )
    counts = segmentation.get('counts')
    if isinstance(counts, str):
        return read_counts(counts.encode('ascii'))
    if not isinstance(counts, list) or not all(
        isinstance(run, int) for run in counts
    ):
        raise ValueError('its counts are no numbers from 0')
    return np.array(counts, np.int64)
