"""CVAT for images 1.1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from PIL import ImageColor

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.base import Annotation, Item, safe_key
from mmseg_sesam.annotations.classes import name_classes
from mmseg_sesam.annotations.drawing import Canvas, ellipse_points, turn
from mmseg_sesam.annotations.files import shown
from mmseg_sesam.annotations.shapes import AllShapes, NamedReader, size_of
from mmseg_sesam.io.names import nfc

EXPORT = (
    "CVAT's 'Segmentation mask' export leaves polylines and points out; "
    "export weak labels as 'CVAT for images 1.1'."
)
_STROKES = ('polyline', 'points')
_DRAWN = (*_STROKES, 'polygon', 'box', 'ellipse', 'mask')
# Types of labels that no pixels have.
_WITHOUT_PIXELS = ('tag', 'skeleton')


@dataclass
class CvatReader(NamedReader, AllShapes):
    """Reads the annotations.xml of "CVAT for images 1.1".

    Shapes are drawn in their `z_order`. Without `classes`, the classes are
    the labels of the task in their order, except tags and skeletons. The
    labels of a project lie in a folder for each subset, as its images do.
    Source: https://docs.cvat.ai/docs/other/xml_format.
    """

    name = 'cvat'
    example = 'annotations.xml out --classes road car'
    without_classes = 'has no <meta> that lists labels of shapes'

    def list_items(self) -> Iterable[Item]:
        path = self._file()
        root = files.read_xml(path, 'annotations')
        if root.find('track') is not None:
            raise ValueError(
                f'{path} holds tracks of a video, expected images; export it '
                "as 'CVAT for images 1.1'."
            )
        self._take_labels(root)
        known = {nfc(key) for key, _ in self._list_images()}
        items = [_item(image, path, known) for image in root.iter('image')]
        if any(root.find(f'image/{kind}') is not None for kind in _STROKES):
            self.remarks.append(EXPORT)
        if tagged := len(root.findall('.//image[tag]')):
            self.remarks.append(
                f'Images with tags: {tagged}; a tag labels no pixels, and is '
                'left out.'
            )
        return items

    def labels_of(self, item: Item) -> list[str]:
        return [
            shape['label']
            for kind, shape in item.data['shapes']
            if kind in _DRAWN and 'label' in shape
        ]

    def read(self, item: Item) -> Annotation:
        size = size_of(item, *item.data['size'])
        canvas = self.canvas(item, size, outside=self.outside, centres=True)
        # The sort is stable: in one layer, the later shape lies above.
        for kind, shape in sorted(
            item.data['shapes'],
            key=lambda s: _number(s[1], 'z_order', item.where, int, '0'),
        ):
            if kind not in _DRAWN:
                canvas.skip(f'{kind}, which is no shape of pixels')
            else:
                class_id = self.class_id(shape.get('label'), item.where)
                self._draw(canvas, kind, shape, class_id)
        return canvas.annotation()

    def _draw(
        self, canvas: Canvas, kind: str, shape: dict[str, str], class_id: int
    ) -> None:
        text = shape.get('points', '')
        points = [p.split(',') for p in text.split(';')] if text else []
        if kind == 'polygon':
            canvas.polygon(points, class_id)
        elif kind == 'polyline':
            canvas.line(points, class_id, self.width)
        elif kind == 'points':
            canvas.dots(points, class_id, self.radius)
        elif kind == 'mask':
            canvas.mask(*_mask(shape, canvas.name), class_id)
        else:
            outline = _box if kind == 'box' else _ellipse
            corners = outline(shape, canvas.name)
            if self.keeps_box(canvas, kind, corners):
                canvas.polygon(corners, class_id)

    def _file(self) -> Path:
        if self.src.is_file():
            return self.src
        path = self.src / 'annotations.xml'
        if not path.is_file():
            raise ValueError(
                f'{self.src} holds no annotations.xml; unpack the archive '
                f'that CVAT gives. {EXPORT}'
            )
        return path

    def _take_labels(self, root: Element) -> None:
        """Sets names and colours of the labels, unless `classes` does."""
        colours = {
            nfc(label.findtext('name', '')): label.findtext('color')
            for label in root.iterfind('meta//label')
            # Labels with a parent are parts of a skeleton.
            if label.findtext('type') not in _WITHOUT_PIXELS
            and label.find('parent') is None
        }
        self.declared = [*colours]
        if not self.classes:
            self.names, _ = name_classes(
                name for name in colours if name not in self.unlabelled
            )
            self.palette = [_rgb(colours[name]) for name in self.names]


def _item(image: Element, path: Path, known: set[str]) -> Item:
    """Returns the annotation of an <image>.

    In the export of a project, names differ only within a subset, and the
    images of a subset lie in a folder of its name.

    Args:
        image: element of the file `path`.
        path: file of the annotations.
        known: keys of the folder of images; empty without a folder.
    """
    name = image.get('name')
    key = safe_key(name, path)
    if subset := image.get('subset'):
        name = f'{subset}/{name}'
        inner = safe_key(name, path)
        # Somebody may have put the images of all subsets into one folder.
        if nfc(inner) in known or nfc(key) not in known:
            key = inner
    shapes = [
        (element.tag, dict(element.attrib))
        for element in image
        if element.tag != 'tag'
    ]
    data = dict(
        name=name,
        size=(image.get('width'), image.get('height')),
        shapes=shapes,
        # Images of two tasks are two images, even if they have one name.
        task_id=image.get('task_id'),
    )
    return Item(key, path, data)


def _rgb(colour: str | None) -> list[int]:
    try:
        return list(ImageColor.getrgb(colour or '')[:3])
    except ValueError:
        return [128, 128, 128]


def _number(
    shape: dict, key: str, where: str, kind: type, default: str | None = None
) -> Any:
    text = shape.get(key, default)
    try:
        number = kind(text)
        # Excludes NaN, and numbers whose sums become infinite.
        if abs(number) <= 1e9:
            return number
        raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f'{where} has {key}={shown(text)}, expected a number; correct it.'
        ) from None


def _numbers(shape: dict, keys: str, where: str, kind: type) -> list[Any]:
    return [_number(shape, key, where, kind) for key in keys.split()]


def _box(shape: dict[str, str], where: str) -> np.ndarray:
    """Returns the corners of a box, turned about its centre."""
    left, top, right, bottom = _numbers(shape, 'xtl ytl xbr ybr', where, float)
    corners = np.array(
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    )
    centre = corners.mean(0)
    return turn(corners - centre, _rotation(shape, where)) + centre


def _ellipse(shape: dict[str, str], where: str) -> np.ndarray:
    """Returns points of an ellipse, turned about its centre."""
    x, y, *radii = _numbers(shape, 'cx cy rx ry', where, float)
    return turn(ellipse_points(radii), _rotation(shape, where)) + [x, y]


def _rotation(shape: dict[str, str], where: str) -> float:
    """Returns the rotation of a shape, clockwise in degrees."""
    return _number(shape, 'rotation', where, float, '0')


def _mask(shape: dict, where: str) -> tuple[np.ndarray, tuple[int, int]]:
    """Returns a mask and its corner; its runs follow rows and begin with 0."""
    left, top, width, height = _numbers(
        shape, 'left top width height', where, int
    )
    try:
        runs = [int(run) for run in shape.get('rle', '').split(',')]
    except ValueError:
        runs = [-1]
    size = width * height
    wrong = min(*runs, width, height) < 0 or size > files.MAX_PIXELS
    if wrong or sum(runs) != size:
        raise ValueError(
            f'{where} has a mask of {width} x {height} whose runs do not fill '
            'it; export it again.'
        )
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return mask.reshape(height, width), (left, top)
