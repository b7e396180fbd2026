"""ScribbleSup: scribbles on PASCAL VOC, an XML file an image."""

from __future__ import annotations

from dataclasses import dataclass

from mmseg_sesam.annotations.base import Annotation, Item
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import read_xml, shown
from mmseg_sesam.annotations.shapes import ImageSize, LineWidth, Outside

# ScribbleSup's names of VOC's classes, in the order of their ids.
# fmt: off
TAGS = (
    'background', 'plane', 'bike', 'bird', 'boat', 'bottle', 'bus', 'car',
    'cat', 'chair', 'cow', 'table', 'dog', 'horse', 'motorbike', 'person',
    'plant', 'sheep', 'sofa', 'train', 'monitor',
)
# fmt: on


@dataclass
class ScribbleSupReader(ImageSize, LineWidth, Outside):
    """Reads the XML files of ScribbleSup.

    Each `<polygon>` of `<annotation>` is an open line: a `<tag>`, one of
    `TAGS`, and `<point>`s of `<X>` and `<Y>` (columns and rows of pixels).
    Source: https://jifengdai.org/downloads/scribble_sup/; the default width
    of 3 is RLoss's, which most work on these scribbles uses.
    """

    name = 'scribblesup'
    example = 'scribbles out --images JPEGImages'
    endings = '.xml'
    classes = ('voc',)

    def read(self, item: Item) -> Annotation:
        root = read_xml(item.source, 'annotation')
        size = self.size_of(item)
        canvas = Canvas(item.where, size, self.outside, names=self.names)
        if root.find('object') is not None:
            raise ValueError(
                f'{item.where} holds <object>, expected <polygon> with <tag> '
                'and <point>; give the files of ScribbleSup.'
            )
        for line in root.iter('polygon'):
            tag = (line.findtext('tag') or '').strip()
            if tag not in TAGS:
                raise ValueError(
                    f'{item.where} has the tag {shown(tag)}, expected one of '
                    f'{TAGS}; correct it.'
                )
            points = [
                (point.findtext('X'), point.findtext('Y'))
                for point in line.iter('point')
            ]
            canvas.line(points, TAGS.index(tag), self.width)
        return canvas.annotation()
