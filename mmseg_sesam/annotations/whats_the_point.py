"""What's the Point: clicks on PASCAL VOC, one JSON file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .base import Annotation, AnnotationReader, Item, safe_key
from .classes import resolve_classes
from .drawing import Canvas
from .files import read_json, take
from .options import DotRadius, ImageSize, Outside


@dataclass
class WhatsThePointReader(ImageSize, DotRadius, Outside, AnnotationReader):
    """Reads the points of "What's the Point".

    The file is `{image id: [{x, y, rank, cls}, ...]}`: columns and rows of
    pixels, and VOC's class ids. Source: Bearman et al., "What's the Point:
    Semantic Segmentation with Point Supervision", ECCV 2016, and the file
    whats_the_point.json that its authors publish with it.
    """

    name = 'whats-the-point'

    def __post_init__(self) -> None:
        super().__post_init__()
        self.names, self.palette = resolve_classes(['voc'])

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        points = read_json(self.src)
        if not isinstance(points, dict):
            raise ValueError(
                f'{self.src} holds a {type(points).__name__}, expected an '
                "object of image ids; give the file of What's the Point."
            )
        return [
            Item(safe_key(name, self.src), self.src, dict(name=name, of=of))
            for name, of in points.items()
        ]

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        name = f'{item.source}: {item.data["name"]}'
        canvas = Canvas(name, self.size_of(item), self.outside)
        for point in take(item.data, 'of', list, name):
            class_id = take(point, 'cls', int, name)
            if not 0 <= class_id < len(self.names):
                raise ValueError(
                    f'{name} has cls={class_id}, expected a class id of VOC, '
                    f'0 to {len(self.names) - 1}; correct it.'
                )
            xy = [take(point, axis, (int, float), name) for axis in 'xy']
            canvas.dots([xy], class_id, self.radius)
        return canvas.annotation()
