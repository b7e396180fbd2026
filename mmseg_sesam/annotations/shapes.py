"""Options of formats with shapes; a reader inherits those that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmseg_sesam.annotations.base import AnnotationReader, Item
from mmseg_sesam.annotations.drawing import OUTSIDE, Canvas
from mmseg_sesam.annotations.files import checked_size, image_size
from mmseg_sesam.annotations.options import choice, option
from mmseg_sesam.validators import Rule, count

WIDTH = count(1, 255)


@dataclass
class ImageSize(AnnotationReader):
    """For formats that do not hold the sizes of images."""

    size: tuple[int, int] | None = option(
        None,
        'size of all images, in place of --images',
        Rule(lambda value: len(value) == 2, 'width and height').or_none(),
        nargs=2,
        type=int,
        metavar=('WIDTH', 'HEIGHT'),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.images is None and self.size is None:
            raise ValueError(
                f'{self.sources[0]} does not hold the sizes of its images; '
                'give their folder with --images, or the one size of all '
                'of them with --size WIDTH HEIGHT.'
            )
        if self.size:
            self.size = checked_size(*self.size, '--size')

    def size_of(self, item: Item) -> tuple[int, int]:
        """Returns width and height of an image.

        Raises:
            ValueError: the image cannot be read.
        """
        return image_size(item.image) if item.image else self.size


@dataclass
class LineWidth(AnnotationReader):
    """For formats of lines."""

    width: int = option(3, 'width of lines in pixels', WIDTH, type=int)


@dataclass
class DotRadius(AnnotationReader):
    """For formats of points."""

    radius: int = option(
        1,
        'radius of dots in pixels beyond the pixel itself',
        count(0, 255),
        type=int,
    )


@dataclass
class Outside(AnnotationReader):
    """For formats of points and lines."""

    outside: str = choice(
        'drop',
        OUTSIDE,
        'points outside of the image are left out, or moved to the nearest '
        'pixel',
    )


@dataclass
class Boxes(AnnotationReader):
    """For formats of boxes, circles and ellipses.

    Such a shape goes around an object, and its corners lie beside the
    object. By default it is left out, as its label would be wrong there.
    """

    boxes: str = choice(
        'skip',
        ('fill', 'skip'),
        'boxes, circles and ellipses are left out, as they go around an '
        'object and not along its outline, or filled; fill them only if they '
        'are the outline, as of windows',
    )

    def keeps_box(self, canvas: Canvas, kind: str, corners: Any) -> bool:
        """Returns whether to fill a box; notes on the canvas what happens.

        Args:
            canvas: canvas of its image.
            kind: name of the shape, for the note.
            corners: (N, 2) points (x, y) around the shape.

        Raises:
            ValueError: the corners are no points near the image.
        """
        if self.boxes == 'skip':
            canvas.skip(f'{kind}, which is no outline (see --boxes)', corners)
        else:
            note = f'{kind} filled as if it were an outline (--boxes fill)'
            canvas.notes.append((note, canvas.name))
        return self.boxes == 'fill'
