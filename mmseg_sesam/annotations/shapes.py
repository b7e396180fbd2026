"""Options of formats with shapes; a reader inherits those that it needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.base import AnnotationReader, Item
from mmseg_sesam.annotations.drawing import OUTSIDE, Canvas
from mmseg_sesam.annotations.files import shortened, shown
from mmseg_sesam.annotations.options import NAMES, choice, option, spell_alike
from mmseg_sesam.io.images import image_size
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.validators import NAME, Rule, count

WIDTH = count(1, 255)
# Names of classes that may mean unlabelled.
_VOID = ('void', 'unlabelled', 'unlabeled', 'ignore', 'ignored')


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
        if self.images is not None and self.size is not None:
            raise ValueError(
                '--images and --size are both given, expected one; leave out '
                '--size, as the images have their sizes.'
            )
        if self.size:
            self.size = files.checked_size(*self.size, '--size')

    def size_of(self, item: Item) -> tuple[int, int]:
        """Returns width and height of an image; raises if it is damaged."""
        return image_size(item.image) if item.image else self.size


def size_of(item: Item, width: Any, height: Any) -> tuple[int, int]:
    """Returns the size that a file gives for an image, or the image's own.

    Raises:
        ValueError: the file gives no size and there is no image, or no image
            has that size.
    """
    # Tools that do not know a size leave it out or write 0.
    if width or height:
        return files.checked_size(width, height, item.where)
    if item.image:
        return image_size(item.image)
    raise ValueError(
        f'{item.where} has no size of the image; give the folder of the '
        'images with --images.'
    )


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
        'points outside of the image are left out, and lines cut at its '
        'border, or such points are moved to the nearest pixel',
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
        """Returns whether to fill a box of (N, 2) points; notes what happens.

        Raises:
            ValueError: the corners are no points near the image.
        """
        if self.boxes == 'skip':
            canvas.skip(f'{kind}, which is no outline (see --boxes)', corners)
        else:
            note = f'{kind} filled as if it were an outline (--boxes fill)'
            canvas.notes.append((note, canvas.name))
        return self.boxes == 'fill'


@dataclass
class AllShapes(LineWidth, DotRadius, Outside, Boxes):
    """For formats of points, lines, boxes and areas."""


@dataclass
class NamedReader(AnnotationReader):
    """For formats whose shapes carry the names of classes.

    Attributes:
        declared: labels that the files list, with or without a shape; set
            by `list_items`.
    """

    classes: tuple[str, ...] = option(
        (),
        'names of the classes in the order of their ids; @FILE reads them '
        'from a file, one a line; one name such as voc or cityscapes stands '
        'for the classes that mmseg knows by it',
        NAMES,
        nargs='+',
    )
    unlabelled: tuple[str, ...] = option(
        ('__ignore__',),
        'names that mean unlabelled, besides the default; without a name, '
        'none does',
        NAMES,
        nargs='*',
    )
    undrawn: str | None = option(
        None,
        'name of the class of all pixels that no shape covers (default: '
        'they are unlabelled)',
        NAME.or_none(),
        metavar='CLASS',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unlabelled:
            names = *type(self).unlabelled, *self.unlabelled
            self.unlabelled = tuple(dict.fromkeys(names))
        self.declared: list[str] = []

    def labels_of(self, item: Item) -> list[str]:
        """Returns the labels of the shapes of an item, as the file has them.

        A reader overrides it; `names_of` is for callers.

        Raises:
            ValueError: the file is damaged.
            OSError: the file cannot be read.
        """
        return []

    def names_of(self, item: Item) -> list[str]:
        """Returns `labels_of` an item, spelled as the names of classes."""
        return [*map(spell_alike, self.labels_of(item))]

    def class_id(self, name: Any, where: str) -> int:
        """Returns the id of a class, 255 for a name that means unlabelled.

        Raises:
            ValueError: the name is unknown.
        """
        name = spell_alike(name)
        if name in self.unlabelled:
            return UNLABELLED
        if name not in self.names:
            raise ValueError(
                f'{where} has the label {shown(name)}, expected one of '
                f'{", ".join(map(shown, self.names))}; add it to --classes, '
                'or to --unlabelled.'
            )
        return self.names.index(name)

    def canvas(
        self, item: Item, size: tuple[int, int], **options: Any
    ) -> Canvas:
        """Returns the canvas of an image, filled with `undrawn`.

        Args:
            item: annotation of the image.
            size: width and height in pixels.
            **options: further options of the canvas.
        """
        fill = UNLABELLED
        if self.undrawn is not None:
            fill = self.class_id(self.undrawn, '--undrawn')
        return Canvas(item.where, size, fill=fill, names=self.names, **options)

    def check(self, items: list[Item]) -> None:
        """Checks the options that name labels against the files' labels.

        A remark names a class that may mean unlabelled.
        """
        images = Counter(dict.fromkeys(map(spell_alike, self.declared), 0))
        places: dict[str, str] = {}
        readable = True
        # A format of one file for each image reads all of them here.
        for item in Progress(items, desc='reading labels', delay=2):
            try:
                labels = dict.fromkeys(self.names_of(item))
            except (ValueError, OSError):
                # `read` raises the same error, in the name of the item.
                readable = False
                continue
            images.update(labels.keys())
            for label in labels:
                places.setdefault(label, item.where)
        listing = f'labels found: {_counted(images)}'
        if not self.names:
            raise ValueError(
                # Files of another convention have no labels.
                (not images and self.foreign())
                or f'{self.src} {self.without_classes}; give the names of '
                f'the classes in the order of their ids with --classes '
                f'({listing}).'
            )
        self._check_unlabelled({*images}, readable, listing)
        self._check_undrawn()
        # `+` leaves out labels without a shape.
        unknown = +images
        for name in (*self.names, *self.unlabelled):
            del unknown[name]
        if unknown:
            first = unknown.most_common(1)[0][0]
            raise ValueError(
                f'{self.src} has the label {_counted(unknown)} (first in '
                f'{places[first]}), expected one of '
                f'{shortened(map(shown, self.names))}; add it to --classes, '
                'or to --unlabelled.'
            )
        self.remark_void()

    def remark_void(self) -> None:
        """Adds a remark that names classes that may mean unlabelled."""
        if void := [n for n in self.names if n.casefold() in _VOID]:
            self.remarks.append(
                f'{shortened(map(shown, void))} is a class to be learned; '
                'unless you mean that, give it to --unlabelled.'
            )

    def _check_unlabelled(
        self, found: set[str], readable: bool, listing: str
    ) -> None:
        if both := [name for name in self.names if name in self.unlabelled]:
            raise ValueError(
                f'{shortened(map(shown, both))} is in --classes and in '
                '--unlabelled; take it out of one of them.'
            )
        # The defaults are names that files may have.
        default = type(self).unlabelled
        unused = {*self.unlabelled} - {*default} - found
        # A file that cannot be read may hold any label.
        if unused and readable:
            raise ValueError(
                f'--unlabelled names {shortened(map(shown, sorted(unused)))}, '
                f'which no shape of {self.src} has; correct it, or leave it '
                f'out ({listing}).'
            )

    def _check_undrawn(self) -> None:
        if self.undrawn in self.unlabelled:
            raise ValueError(
                f'--undrawn is {shown(self.undrawn)}, which --unlabelled '
                'makes no class; leave --undrawn out, as the rest of an image '
                'is unlabelled without it.'
            )
        if self.undrawn not in (None, *self.names):
            raise ValueError(
                f'--undrawn has the label {shown(self.undrawn)}, expected one '
                f'of {shortened(map(shown, self.names))}; add it to --classes.'
            )


def _counted(images: Counter[str]) -> str:
    """Returns labels with their numbers of images, frequent ones first."""
    labels = [
        f'{shown(label)} in {number} image{"" if number == 1 else "s"}'
        for label, number in images.most_common()
    ]
    return shortened(labels) or 'none'
