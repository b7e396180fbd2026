"""Options that several formats share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmseg_sesam.annotations.base import AnnotationReader, Item, option
from mmseg_sesam.annotations.drawing import OUTSIDE, Canvas
from mmseg_sesam.annotations.files import checked_size, image_size

BOXES = ('fill', 'skip')


def checked_pixels(value: int, name: str, least: int) -> None:
    """Checks a width or a radius.

    Raises:
        ValueError: it is less than `least`, or more than 255 pixels.
    """
    if not least <= value <= 255:
        raise ValueError(f'{name} is {value}, expected {least} to 255 pixels.')


@dataclass
class ImageSize(AnnotationReader):
    """For formats that do not hold the sizes of images."""

    size: tuple[int, int] | None = option(
        None,
        'size of all images, in place of --images',
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
        """Width and height of an image.

        Raises:
            ValueError: it cannot be read.
        """
        return image_size(item.image) if item.image else self.size


@dataclass
class LineWidth(AnnotationReader):
    """For formats of lines."""

    width: int = option(
        3, 'width of lines in pixels (default: %(default)s)', type=int
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_pixels(self.width, '--width', 1)


@dataclass
class DotRadius(AnnotationReader):
    """For formats of points."""

    radius: int = option(
        1,
        'radius of dots in pixels beyond the pixel itself (default: '
        '%(default)s)',
        type=int,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_pixels(self.radius, '--radius', 0)


@dataclass
class Outside(AnnotationReader):
    """For formats of points and lines."""

    outside: str = option(
        'drop',
        'points outside of the image are left out, or moved to the nearest '
        'pixel (default: %(default)s)',
        choices=OUTSIDE,
    )


@dataclass
class Boxes(AnnotationReader):
    """For formats of boxes, circles and ellipses.

    Such a shape goes around an object, and its corners lie beside it. As a
    label it would be wrong there, so it is left out by default.
    """

    boxes: str = option(
        'skip',
        'boxes, circles and ellipses are left out, as they go around an '
        'object and not along its outline, or filled; fill them only if they '
        'are the outline, as of windows (default: %(default)s)',
        choices=BOXES,
    )

    def keeps_box(self, canvas: Canvas, kind: str, corners: Any) -> bool:
        """Whether a box is to be filled; if not, it is skipped and noted.

        Args:
            canvas: of its image.
            kind: of the shape, for the note.
            corners: (N, 2) points (x, y) around it.

        Raises:
            ValueError: they are no points near the image.
        """
        if self.boxes == 'skip':
            canvas.skip(f'{kind}, which is no outline (see --boxes)', corners)
        else:
            note = f'{kind} filled as if it were an outline (--boxes fill)'
            canvas.notes.append((note, canvas.name))
        return self.boxes == 'fill'
