"""COCO: polygons of all images in one JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mmseg_sesam.annotations.outlines import Outline
from mmseg_sesam.annotations.writer import AnnotationWriter, Drawing, writing


class CocoWriter(AnnotationWriter):
    """Writes a polygon a component, with bridges to its holes.

    COCO has no order of drawing, and its polygons have no holes. Readers fill
    a polygon by the even-odd rule, by which a bridge has no area. Four corners
    get a fifth one on an edge: tools write a mere box as its four corners, and
    the reader leaves it out.
    """

    name = 'coco'
    ordered = False

    def files(self, names: Sequence[str]) -> list[Path]:
        return [self.out / 'instances.json']

    def write(self, drawings: Iterable[Drawing]) -> None:
        images, number = [], 0
        with writing(*self.files([])) as file:
            file.write('{"annotations": [')
            for index, drawing in enumerate(drawings, 1):
                width, height = drawing.size
                entry = dict(id=index, file_name=drawing.name)
                images.append(dict(entry, width=width, height=height))
                for outline in drawing.outlines:
                    number += 1
                    record = dict(id=number, image_id=index, **_shape(outline))
                    file.write(',\n' if number > 1 else '\n')
                    file.write(json.dumps(record))
            categories = [
                dict(id=index, name=name, supercategory='')
                for index, name in enumerate(self.classes, 1)
            ]
            file.write(f'\n],\n"images": {json.dumps(images)},\n')
            file.write(f'"categories": {json.dumps(categories)}}}\n')


def _shape(outline: Outline) -> dict:
    points = outline.joined
    if len(points) == 4:
        points = np.append(points, points[[0, -1]].mean(0, keepdims=True), 0)
    x, y = points.T
    low, high = points.min(0), points.max(0)
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return dict(
        category_id=outline.class_id + 1,
        segmentation=[points.round(2).ravel().tolist()],
        bbox=[*low.tolist(), *(high - low).tolist()],
        area=float(area),
        iscrowd=0,
    )
