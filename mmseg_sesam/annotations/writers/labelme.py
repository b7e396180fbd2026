"""LabelMe: a JSON file an image."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmseg_sesam.annotations.labelme_digest import DIGEST, shapes_digest
from mmseg_sesam.annotations.writer import (
    AnnotationWriter,
    Drawing,
    key_of,
    writing,
)


class LabelmeWriter(AnnotationWriter):
    """Writes polygons; later shapes lie over earlier ones."""

    name = 'labelme'

    def files(self, names: Sequence[str]) -> list[Path]:
        return [self.out / f'{key_of(name)}.json' for name in names]

    def write(self, drawings: Iterable[Drawing]) -> None:
        for drawing in drawings:
            (path,) = self.files([drawing.name])
            with writing(path) as file:
                json.dump(self._record(drawing, path), file, indent=1)

    def _record(self, drawing: Drawing, path: Path) -> dict:
        shapes = [
            dict(
                label=self.label(outline),
                points=outline.joined.tolist(),
                group_id=None,
                description='',
                shape_type='polygon',
                flags={},
            )
            for outline in drawing.outlines
        ]
        width, height = drawing.size
        # `..` of a link leads to where the link points.
        folder = os.path.realpath(drawing.path.parent)
        image = os.path.join(folder, drawing.path.name)
        return {
            'version': '5.5.0',
            'flags': {},
            'shapes': shapes,
            # LabelMe looks for the image from the folder of the file.
            'imagePath': os.path.relpath(image, os.path.realpath(path.parent)),
            'imageData': None,
            'imageHeight': height,
            'imageWidth': width,
            DIGEST: shapes_digest(shapes),
        }
