"""Label Studio: tasks with predictions, and the labeling interface."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mmseg_sesam.annotations.addresses import is_quoted
from mmseg_sesam.annotations.outlines import Outline
from mmseg_sesam.annotations.writer import AnnotationWriter, Drawing, writing

# Percentages with these digits are exact to a pixel's hundredth in images of
# any size.
_DIGITS = 8


class LabelStudioWriter(AnnotationWriter):
    """Writes polygons as predictions, which a person accepts or corrects.

    As annotations they would count as the work of a person.
    """

    name = 'label-studio'

    def files(self, names: Sequence[str]) -> list[Path]:
        return [self.out / 'tasks.json', self.out / 'label_config.xml']

    def write(self, drawings: Iterable[Drawing]) -> None:
        tasks, config = self.files([])
        with writing(config) as file:
            file.write(self._config())
        with writing(tasks) as file:
            file.write('[')
            for index, drawing in enumerate(drawings):
                file.write(',\n' if index else '\n')
                json.dump(self._task(drawing), file)
            file.write('\n]\n')

    def _config(self) -> str:
        view = Element('View')
        SubElement(view, 'Image', name='image', value='$image')
        to_image = dict(name='label', toName='image')
        labels = SubElement(view, 'PolygonLabels', to_image)
        for name, colour in self.labels.items():
            SubElement(labels, 'Label', value=name, background=colour)
        indent(view, ' ')
        return tostring(view, 'unicode') + '\n'

    def _task(self, drawing: Drawing) -> dict:
        regions = [
            self._region(index, drawing, outline)
            for index, outline in enumerate(drawing.outlines)
        ]
        name = drawing.name
        if is_quoted(self.prefix):
            name = quote(name)
        prediction = dict(model_version='mmseg_sesam', result=regions)
        return dict(
            data=dict(image=f'{self.prefix}{name}'),
            annotations=[],
            predictions=[prediction],
        )

    def _region(self, index: int, drawing: Drawing, outline: Outline) -> dict:
        width, height = drawing.size
        points = (100 * outline.joined / drawing.size).round(_DIGITS)
        return dict(
            id=f'shape{index}',
            type='polygonlabels',
            from_name='label',
            to_name='image',
            original_width=width,
            original_height=height,
            image_rotation=0,
            value=dict(
                points=points.tolist(),
                closed=True,
                polygonlabels=[self.label(outline)],
            ),
        )
