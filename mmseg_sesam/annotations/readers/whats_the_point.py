"""What's the Point: clicks on PASCAL VOC, one or several JSON files."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mmseg_sesam.annotations.base import Annotation, Item, safe_key
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import read_json, shown, take
from mmseg_sesam.annotations.shapes import DotRadius, ImageSize, Outside

BACKGROUND_FILE = 'voc_whats_the_point_bg_from_scribbles.json'


@dataclass
class WhatsThePointReader(ImageSize, DotRadius, Outside):
    """Reads the points of "What's the Point".

    A file is `{image id: [{x, y, cls, ...}, ...]}`: columns and rows of
    pixels, and VOC's class ids. `voc_whats_the_point.json` has the classes
    1 to 20, and `voc_whats_the_point_bg_from_scribbles.json` background:
    give both files; all clicks on an image become one label. Source: Bearman
    et al., "What's the Point: Semantic Segmentation with Point Supervision",
    ECCV 2016, and https://github.com/abearman/whats-the-point1.

    Repeated clicks on a pixel are drawn once. Clicks of several classes on a
    pixel contradict each other, and none of them is drawn. Where dots of
    different pixels overlap, the later click lies above.
    """

    name = 'whats-the-point'
    example = (
        f'voc_whats_the_point.json {BACKGROUND_FILE} out --images JPEGImages'
    )
    several = True
    classes = ('voc',)

    def list_items(self) -> Iterable[Item]:
        clicks: dict[str, dict[str, Any]] = defaultdict(dict)
        for path in self.sources:
            content = read_json(path)
            if not isinstance(content, dict):
                raise ValueError(
                    f'{path} holds a {type(content).__name__}, expected an '
                    "object of image ids; give a file of What's the Point."
                )
            for name, points in content.items():
                clicks[name][str(path)] = points
        for name, of in clicks.items():
            first, *others = (path for path in self.sources if str(path) in of)
            data = dict(name=name, of=of)
            key = safe_key(name, first)
            yield Item(key, first, data, others=tuple(others))

    def read(self, item: Item) -> Annotation:
        canvas = Canvas(item.where, self.size_of(item), self.outside)
        pixels: dict[tuple[int, int], list[int]] = defaultdict(list)
        for where, point in _points(item):
            class_id = take(point, 'cls', int, where)
            if not 0 <= class_id < len(self.names):
                raise ValueError(
                    f'{where} has cls={class_id}, expected a class id of VOC, '
                    f'0 to {len(self.names) - 1}; correct it.'
                )
            xy = [take(point, axis, (int, float), where) for axis in 'xy']
            column, row = canvas.points([xy])[0]
            pixels[math.floor(column), math.floor(row)].append(class_id)
        for (column, row), classes in pixels.items():
            where = f'{item.where}: ({column}, {row})'
            if len({*classes}) > 1:
                reason = 'pixel with clicks of several classes, none drawn'
                canvas.notes.append((reason, f'{where}, {sorted({*classes})}'))
                continue
            for _ in classes[1:]:
                reason = 'click repeated on one pixel, drawn once'
                canvas.notes.append((reason, where))
            canvas.dots([(column, row)], classes[0], self.radius)
        return canvas.annotation()

    def lacking(self, found: set[int]) -> str:
        said = super().lacking(found)
        if self.names.index('background') not in found:
            said += (
                f' Clicks on background are in {BACKGROUND_FILE}: give it '
                'after the first file, or the network never learns background.'
            )
        return said


def _points(item: Item) -> Iterator[tuple[str, Any]]:
    """Yields the points of an image, each with its file for errors."""
    for path, points in item.data['of'].items():
        where = f'{path}: {item.data["name"]}'
        if not isinstance(points, list):
            raise ValueError(
                f'{where} has {shown(points)}, expected a list of points; '
                'correct it.'
            )
        yield from ((where, point) for point in points)
