"""COCO: polygons and masks of all images in one JSON file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.addresses import AddressedImages
from mmseg_sesam.annotations.base import (
    IMAGES_REMEDY,
    Annotation,
    Item,
    safe_key,
)
from mmseg_sesam.annotations.classes import name_classes
from mmseg_sesam.annotations.coco_rle import decode_runs, read_counts
from mmseg_sesam.annotations.drawing import Canvas, pairs
from mmseg_sesam.annotations.files import shown, take
from mmseg_sesam.annotations.shapes import (
    Boxes,
    DotRadius,
    NamedReader,
    Outside,
    size_of,
)
from mmseg_sesam.io.names import nfc

# Some tools count the last pixel in the width of a box, others do not.
_BOX_TOLERANCE = 1


class _Shape(NamedTuple):
    """The fields of an annotation, as the file has them."""

    label: str
    segmentation: Any
    keypoints: Any
    box: Any


@dataclass
class CocoReader(NamedReader, DotRadius, Outside, Boxes):
    """Reads the segmentations of a COCO file.

    COCO knows no order of shapes: smaller ones are drawn over larger ones.
    The visible keypoints of an annotation without a segmentation are dots.
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
                for index in sorted(names, key=_order)
                if nfc(names[index]) not in self.unlabelled
            )
        shapes: dict[str, list[_Shape]] = defaultdict(list)
        for entry in take(record, 'annotations', list, where):
            category = _id(entry, 'category_id', where)
            if category not in names:
                raise ValueError(
                    f'{where} has an annotation of the category '
                    f'{shown(category)}, which it does not list; export it '
                    'again.'
                )
            fields = map(entry.get, ('segmentation', 'keypoints', 'bbox'))
            shape = _Shape(names[category], *fields)
            shapes[_id(entry, 'image_id', where)].append(shape)
        images = AddressedImages(
            self.src, [key for key, _ in self._list_images()]
        )
        items = []
        for image in take(record, 'images', list, where):
            name = take(image, 'file_name', str, where)
            data = dict(
                name=name,
                size=(image.get('width'), image.get('height')),
                shapes=shapes.pop(_id(image, 'id', where), []),
            )
            items.append(Item(self._key(name, images), self.src, data))
        if shapes:
            raise ValueError(
                f'{where} has annotations of the images '
                f'{files.shortened(map(shown, [*shapes][:8]))}, which it does '
                'not list; export it again.'
            )
        return items

    def labels_of(self, item: Item) -> list[str]:
        return [shape.label for shape in item.data['shapes']]

    def read(self, item: Item) -> Annotation:
        size = size_of(item, *item.data['size'])
        options = dict(outside=self.outside, by_area=True, centres=True)
        canvas = self.canvas(item, size, **options)
        for shape in item.data['shapes']:
            self._draw(canvas, shape, self.class_id(shape.label, item.where))
        return canvas.annotation()

    def _draw(self, canvas: Canvas, shape: _Shape, class_id: int) -> None:
        segmentation = shape.segmentation
        # Its polygons of too few points have a note each.
        is_begun = isinstance(segmentation, list) and any(segmentation)
        if isinstance(segmentation, list):
            segmentation = _polygons(segmentation, canvas, class_id)
        is_box = _is_box(segmentation, shape.box, canvas)
        if segmentation and not is_box:
            mask, left = _decode(segmentation, canvas)
            if mask.any() and isinstance(segmentation, list):
                canvas.note_cut(np.concatenate(segmentation))
            canvas.mask(mask, (left, 0), class_id)
            return
        dots = _visible(shape.keypoints or [], canvas)
        if dots:
            canvas.dots(dots, class_id, self.radius)
        if shape.box:
            corners = _corners(shape.box, canvas.name)
            kind = 'polygon of the corners of its box'
            if not is_box:
                kind = 'box without segmentation'
            if self.keeps_box(canvas, kind, corners):
                canvas.polygon(corners, class_id)
        elif not dots and not is_begun:
            canvas.skip('annotation without segmentation')

    def _key(self, name: str, images: AddressedImages) -> str:
        """Returns the key of an image from its name in the file.

        The name may be a path on the computer that wrote it, or an address:
        the folder of the images says which image it is.
        """
        if self.images is None:
            return safe_key(name, self.src, IMAGES_REMEDY)
        try:
            return safe_key(name, self.src)
        except ValueError:
            return images.key(name)


def _id(entry: Any, key: str, where: str) -> str:
    """Returns an id; VIA writes one id as a number and as a text."""
    return str(take(entry, key, (int, str), where))


def _order(index: str) -> tuple[bool, int, str]:
    """Returns what sorts ids: numbers by their value, then others."""
    return not index.isdecimal(), len(index), index


def _names(record: Any, kind: str, key: str, where: str) -> dict[str, str]:
    """Returns the names of the entries of a list by their ids.

    Raises:
        ValueError: two entries of one id have different names.
    """
    names: dict[str, str] = {}
    for entry in take(record, kind, list, where):
        index = _id(entry, 'id', where)
        name = take(entry, key, str, where)
        other = names.setdefault(index, name)
        if other != name:
            raise ValueError(
                f'{where} has the id {shown(index)} twice in {kind}, for '
                f'{shown(other)} and {shown(name)}, expected one name for '
                'each id; if it was merged from several files, convert those '
                'one by one.'
            )
    return names


def _corners(box: Any, where: str) -> np.ndarray:
    """Returns the (4, 2) corners of a box of x, y, width, height."""
    numbers = isinstance(box, list) and len(box) == 4
    if not numbers or not all(isinstance(v, (int, float)) for v in box):
        raise ValueError(
            f'{where} has bbox={shown(box)}, expected x, y, width and height; '
            'correct it.'
        )
    (x, y), (width, height) = pairs([box[:2], box[2:]], where).tolist()
    right, below = x + width, y + height
    return np.array([[x, y], [right, y], [right, below], [x, below]])


def _is_box(segmentation: Any, box: Any, canvas: Canvas) -> bool:
    """Returns whether polygons are one, of the corners of its own box.

    Tools and scripts that have only boxes write such polygons.
    """
    if not box or not isinstance(segmentation, list) or len(segmentation) != 1:
        return False
    corners = segmentation[0]
    if len(corners) == 5 and (corners[0] == corners[-1]).all():
        corners = corners[:-1]
    low, high = corners.min(0), corners.max(0)
    upright = ((corners == low) | (corners == high)).all()
    if not upright or len(corners) != 4 or len(np.unique(corners, axis=0)) < 4:
        return False
    ends = canvas.points(_corners(box, canvas.name))[[0, 2]]
    return bool((np.abs(ends - [low, high]) <= _BOX_TOLERANCE).all())


def _polygons(
    segmentation: list, canvas: Canvas, class_id: int
) -> list[np.ndarray]:
    """Returns the (N, 2) corners of the polygons with three or more.

    Raises:
        ValueError: they are no polygons.
    """
    if segmentation and all(isinstance(v, (int, float)) for v in segmentation):
        # VIA writes a polygon in the place of a list of polygons.
        segmentation = [segmentation]
    polygons = []
    for values in segmentation:
        if not isinstance(values, list) or len(values) % 2:
            raise ValueError(
                f'{canvas.name} has a segmentation with {shown(values)}, '
                'expected polygons, each a list of x, y, x, y; export it '
                'again.'
            )
        corners = canvas.points(
            [values[i : i + 2] for i in range(0, len(values), 2)]
        )
        # VIA writes [[]] beside keypoints.
        if len(corners) and canvas.keeps('polygon', corners, 3, class_id):
            polygons.append(corners)
    return polygons


def _visible(keypoints: Any, canvas: Canvas) -> list[list[float]]:
    """Returns the keypoints (x, y) on which nothing else lies."""
    if not isinstance(keypoints, list) or len(keypoints) % 3:
        raise ValueError(
            f'{canvas.name} has keypoints={shown(keypoints)}, expected x, y '
            'and visibility of each; correct it.'
        )
    triples = [keypoints[i : i + 3] for i in range(0, len(keypoints), 3)]
    hidden = [triple for triple in triples if triple[2] == 1]
    note = 'hidden keypoint, left out', canvas.name
    canvas.notes += [note] * len(hidden)
    return [[x, y] for x, y, visibility in triples if visibility == 2]


def _decode(segmentation: Any, canvas: Canvas) -> tuple[np.ndarray, int]:
    """Returns the columns of polygons or runs, and the first one.

    pycocotools encodes polygons at image size, which costs no more than
    their outlines do; a mask of the whole image would.
    """
    coco = files.optional_import('pycocotools.mask')
    width, height = canvas.size
    try:
        if isinstance(segmentation, list):
            polygons = [corners.ravel().tolist() for corners in segmentation]
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
