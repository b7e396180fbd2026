"""CVAT for images 1.1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from PIL import ImageColor

from mmseg_sesam.annotations.base import (
    Annotation,
    AnnotationReader,
    Item,
    safe_key,
)
from mmseg_sesam.annotations.classes import NamedReader, name_classes
from mmseg_sesam.annotations.drawing import Canvas, turned
from mmseg_sesam.annotations.files import (
    MAX_PIXELS,
    checked_size,
    read_xml,
    shown,
)
from mmseg_sesam.annotations.found_labels import FoundLabels
from mmseg_sesam.annotations.options import (
    Boxes,
    DotRadius,
    LineWidth,
    Outside,
)

EXPORT = (
    "CVAT's 'Segmentation mask' export leaves polylines and points out; "
    "weak labels are to be exported as 'CVAT for images 1.1'."
)
_STROKES = ('polyline', 'points')
_DRAWN = (*_STROKES, 'polygon', 'box', 'ellipse', 'mask')
# One a degree, the four ends of its axes among them.
_ELLIPSE_POINTS = 360
# Types of labels that no pixels have.
_UNDRAWN_TYPES = ('tag', 'skeleton')


@dataclass
class CvatReader(
    NamedReader, LineWidth, DotRadius, Outside, Boxes, AnnotationReader
):
    """Reads the annotations.xml of "CVAT for images 1.1".

    Shapes are drawn in their `z_order`. Without `classes`, the classes are
    the labels of the task in their order, but for tags and skeletons.
    Source: https://docs.cvat.ai/docs/other/xml_format.
    """

    name = 'cvat'
    example = 'annotations.xml out --classes road car'
    without_classes = 'has no <meta> that lists labels of shapes'

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        path = self._file()
        root = read_xml(path, 'annotations')
        if root.find('track') is not None:
            raise ValueError(
                f'{path} holds tracks of a video, expected images; export it '
                "as 'CVAT for images 1.1'."
            )
        self._take_labels(root)
        items = []
        for image in root.iter('image'):
            name = image.get('name')
            shapes = [
                (element.tag, dict(element.attrib))
                for element in image
                if element.tag != 'tag'
            ]
            data = dict(
                name=name,
                size=(image.get('width'), image.get('height')),
                shapes=shapes,
            )
            items.append(Item(safe_key(name, path), path, data))
        if any(root.find(f'image/{kind}') is not None for kind in _STROKES):
            self.remarks.append(EXPORT)
        tagged = sum(
            image.find('tag') is not None for image in root.iter('image')
        )
        if tagged:
            self.remarks.append(
                f'Images with tags: {tagged}; a tag labels no pixels, and is '
                'left out.'
            )
        return items

    def found_labels(self, items: list[Item]) -> FoundLabels:
        """See the base class."""
        found = FoundLabels(self._declared)
        for item in items:
            labels = [
                shape['label']
                for kind, shape in item.data['shapes']
                if kind in _DRAWN and 'label' in shape
            ]
            found.add(labels, f'{item.source}: {item.data["name"]}')
        return found

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        name = f'{item.source}: {item.data["name"]}'
        size = checked_size(*item.data['size'], name)
        canvas = Canvas(name, size, self.outside, self.fill(), self.names)
        shapes = item.data['shapes']
        # Stable: of one layer, the later shape lies above.
        for kind, attributes in sorted(shapes, key=lambda s: _layer(s, name)):
            if kind not in _DRAWN:
                canvas.skip(f'{kind}, which is no shape of pixels')
            else:
                class_id = self.class_id(attributes.get('label'), name)
                self._draw(canvas, kind, attributes, class_id)
        return canvas.annotation()

    def _draw(
        self, canvas: Canvas, kind: str, shape: dict[str, str], class_id: int
    ) -> None:
        if kind == 'polygon':
            canvas.polygon(_points(shape), class_id)
        elif kind == 'polyline':
            canvas.line(_points(shape), class_id, self.width)
        elif kind == 'points':
            canvas.dots(_points(shape), class_id, self.radius)
        elif kind == 'mask':
            canvas.mask(*_mask(shape, canvas.name), class_id)
        else:
            corners = _OUTLINES[kind](shape, canvas.name)
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
        """Names and colours of the labels, unless `classes` gives them."""
        labels = root.iterfind('meta//label')
        colours = {
            label.findtext('name', ''): label.findtext('color')
            for label in labels
            # The parts of a skeleton have a parent.
            if label.findtext('type') not in _UNDRAWN_TYPES
            and label.find('parent') is None
        }
        self._declared = [*colours]
        if not self.classes:
            self.names, _ = name_classes(
                name for name in colours if name not in self.unlabelled
            )
            self.palette = [_rgb(colours[name]) for name in self.names]


def _rgb(colour: str | None) -> list[int]:
    try:
        return list(ImageColor.getrgb(colour or '')[:3])
    except ValueError:
        return [128, 128, 128]


def _layer(shape: tuple[str, dict[str, str]], name: str) -> int:
    return _number(shape[1], 'z_order', name, '0')


def _number(
    attributes: dict[str, str],
    key: str,
    name: str,
    default: str | None = None,
    kind: type = int,
) -> Any:
    text = attributes.get(key, default)
    try:
        number = kind(text)
        # Neither NaN nor so large that sums of it become infinite.
        if abs(number) <= 1e9:
            return number
        raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f'{name} has {key}={shown(text)}, expected a number; correct it.'
        ) from None


def _points(attributes: dict[str, str]) -> list[list[str]]:
    """Points of 'x,y;x,y'."""
    points = attributes.get('points', '')
    return [point.split(',') for point in points.split(';')]


def _box(attributes: dict[str, str], name: str) -> np.ndarray:
    """Corners of a box, turned clockwise by its rotation in degrees."""
    left, top, right, bottom = (
        _number(attributes, key, name, kind=float)
        for key in ('xtl', 'ytl', 'xbr', 'ybr')
    )
    corners = np.array(
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    )
    centre = corners.mean(0)
    return turned(corners - centre, _rotation(attributes, name)) + centre


def _ellipse(attributes: dict[str, str], name: str) -> np.ndarray:
    """Points of an ellipse, turned clockwise by its rotation in degrees."""
    x, y, radius_x, radius_y = (
        _number(attributes, key, name, kind=float)
        for key in ('cx', 'cy', 'rx', 'ry')
    )
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)
    points = np.stack([np.cos(angles), np.sin(angles)], 1)
    points *= radius_x, radius_y
    return turned(points, _rotation(attributes, name)) + [x, y]


def _rotation(attributes: dict[str, str], name: str) -> float:
    return _number(attributes, 'rotation', name, '0', float)


_OUTLINES = dict(box=_box, ellipse=_ellipse)


def _mask(
    attributes: dict[str, str], name: str
) -> tuple[np.ndarray, tuple[int, int]]:
    """A mask and its corner, of runs along rows that begin with 0s."""
    left, top, width, height = (
        _number(attributes, key, name)
        for key in ('left', 'top', 'width', 'height')
    )
    try:
        runs = [int(run) for run in attributes.get('rle', '').split(',')]
    except ValueError:
        runs = [-1]
    size = width * height
    if min(*runs, width, height) < 0 or size > MAX_PIXELS or sum(runs) != size:
        raise ValueError(
            f'{name} has a mask of {width} x {height} whose runs do not fill '
            'it; export it again.'
        )
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return mask.reshape(height, width), (left, top)
