"""CVAT for images 1.1: all images in one XML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mmseg_sesam.annotations.writer import AnnotationWriter, Drawing, writing

# CVAT takes the id of an image whose name the task lacks for the number of a
# photo, and would put the shapes on that one. No task has so many photos, and
# CVAT then rejects the file. Ids still fit into 32 bits.
_FIRST_ID = 10**9


class CvatWriter(AnnotationWriter):
    """Writes polygons, each in a layer of its own.

    CVAT imports them into a task with images of these names and the labels
    of the file.
    """

    name = 'cvat'

    def files(self, names: Sequence[str]) -> list[Path]:
        return [self.out / 'annotations.xml']

    def write(self, drawings: Iterable[Drawing]) -> None:
        with writing(*self.files([])) as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n')
            file.write('<annotations>\n<version>1.1</version>\n')
            file.write(_text(self._meta()))
            for index, drawing in enumerate(drawings):
                file.write(_text(self._image(index, drawing)))
            file.write('</annotations>\n')

    def _meta(self) -> Element:
        meta = Element('meta')
        labels = SubElement(SubElement(meta, 'task'), 'labels')
        for name, colour in self.labels.items():
            label = SubElement(labels, 'label')
            for tag, text in dict(name=name, color=colour, type='any').items():
                SubElement(label, tag).text = text
        return meta

    def _image(self, index: int, drawing: Drawing) -> Element:
        width, height = map(str, drawing.size)
        about = dict(name=drawing.name, width=width, height=height)
        image = Element('image', dict(id=str(_FIRST_ID + index), **about))
        for layer, outline in enumerate(drawing.outlines):
            points = (f'{x:.2f},{y:.2f}' for x, y in outline.joined.tolist())
            fields = dict(
                label=self.label(outline),
                source='auto',
                occluded='0',
                points=';'.join(points),
                z_order=str(layer),
            )
            SubElement(image, 'polygon', fields)
        return image


def _text(element: Element) -> str:
    indent(element, ' ')
    return tostring(element, 'unicode') + '\n'
