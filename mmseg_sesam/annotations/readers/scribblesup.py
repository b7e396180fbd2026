"""ScribbleSup: scribbles on PASCAL VOC, an XML file an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmseg_sesam.annotations.base import (
    Annotation,
    AnnotationReader,
    Item,
    list_keyed_files,
)
from mmseg_sesam.annotations.classes import SCRIBBLESUP_TAGS, resolve_classes
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import read_xml, shown
from mmseg_sesam.annotations.options import ImageSize, LineWidth, Outside


@dataclass
class ScribbleSupReader(ImageSize, LineWidth, Outside, AnnotationReader):
    """Reads the XML files of ScribbleSup.

    Each `<polygon>` of `<annotation>` is an open line: a `<tag>`, one of
    `SCRIBBLESUP_TAGS`, and `<point>`s of `<X>` and `<Y>` (columns and rows
    of pixels). Source: https://jifengdai.org/downloads/scribble_sup/; the
    width of 3 is that of RLoss, which most work on these scribbles shares.
    """

    name = 'scribblesup'
    example = 'scribbles out --images JPEGImages'

    def __post_init__(self) -> None:
        super().__post_init__()
        self.names, self.palette = resolve_classes(['voc'])

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        return [Item(*file) for file in list_keyed_files(self.src, '.xml')]

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        root = read_xml(item.source, 'annotation')
        name = str(item.source)
        canvas = Canvas(name, self.size_of(item), self.outside)
        if root.find('object') is not None:
            raise ValueError(
                f'{name} holds <object>, expected <polygon> with <tag> and '
                '<point>; give the files of ScribbleSup.'
            )
        for line in root.iter('polygon'):
            tag = (line.findtext('tag') or '').strip()
            if tag not in SCRIBBLESUP_TAGS:
                raise ValueError(
                    f'{name} has the tag {shown(tag)}, expected one of '
                    f'{SCRIBBLESUP_TAGS}; correct it.'
                )
            points = [
                (point.findtext('X'), point.findtext('Y'))
                for point in line.iter('point')
            ]
            canvas.line(points, SCRIBBLESUP_TAGS.index(tag), self.width)
        return canvas.annotation()
