"""Formats whose shapes carry the names of classes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from mmseg_sesam.annotations.base import AnnotationReader, Item
from mmseg_sesam.annotations.classes import IGNORE_INDEX
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.files import shortened, shown
from mmseg_sesam.annotations.options import NAMES, option
from mmseg_sesam.validators import Rule

_VOID = ('void', 'unlabelled', 'unlabeled', 'ignore', 'ignored')
_TEXT = Rule(lambda value: isinstance(value, str), 'a name')


@dataclass
class NamedReader(AnnotationReader):
    """Base of readers of shapes with the names of classes.

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
        ('__ignore__',), 'names that mean unlabelled', NAMES, nargs='*'
    )
    undrawn: str | None = option(
        None,
        'name of the class of all pixels that no shape covers (default: '
        'they are unlabelled)',
        _TEXT.or_none(),
        metavar='CLASS',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.declared: list[str] = []

    def labels_of(self, item: Item) -> list[str]:
        """Returns the labels of the shapes of an item.

        Raises:
            ValueError: the file is damaged.
            OSError: the file cannot be read.
        """
        return []

    def class_id(self, name: Any, where: str) -> int:
        """Returns the id of a class, 255 for a name that means unlabelled.

        Raises:
            ValueError: the name is unknown.
        """
        if name in self.unlabelled:
            return IGNORE_INDEX
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
            size: width and height of the image.
            **options: further options of the canvas.
        """
        fill = IGNORE_INDEX
        if self.undrawn is not None:
            fill = self.class_id(self.undrawn, '--undrawn')
        return Canvas(item.where, size, fill=fill, names=self.names, **options)

    def check(self, items: list[Item]) -> None:
        """Checks the options that name labels against the files' labels.

        A remark names a class that may mean unlabelled.
        """
        images, places = Counter(dict.fromkeys(self.declared, 0)), {}
        readable = True
        for item in items:
            try:
                labels = dict.fromkeys(self.labels_of(item))
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
        # A file that cannot be read may hold any label.
        self._check_unlabelled({*images} if readable else None, listing)
        self._check_undrawn()
        known = (*self.names, *self.unlabelled)
        unknown = Counter({k: n for k, n in images.items() if k not in known})
        unknown = +unknown
        if unknown:
            first = unknown.most_common(1)[0][0]
            raise ValueError(
                f'{self.src} has the label {_counted(unknown)} (first in '
                f'{places[first]}), expected one of '
                f'{shortened(map(shown, self.names))}; add it to --classes, '
                'or to --unlabelled.'
            )
        void = [name for name in self.names if name.casefold() in _VOID]
        if void:
            self.remarks.append(
                f'{shortened(map(shown, void))} is a class to be learned; '
                'unless you mean that, give it to --unlabelled.'
            )

    def _check_unlabelled(self, found: set[str] | None, listing: str) -> None:
        both = [name for name in self.names if name in self.unlabelled]
        if both:
            raise ValueError(
                f'{shortened(map(shown, both))} is in --classes and in '
                '--unlabelled; take it out of one of them.'
            )
        # The defaults are names that files may have.
        default = type(self).unlabelled
        unused = {*self.unlabelled} - {*default} - (found or set())
        if unused and found is not None:
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
    return (
        shortened(
            f'{shown(label)} in {count} image{"" if count == 1 else "s"}'
            for label, count in images.most_common()
        )
        or 'none'
    )
