"""Names that the shapes of a data set carry, and what they must agree with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from mmseg_sesam.annotations.files import shown

if TYPE_CHECKING:
    from mmseg_sesam.annotations.classes import NamedReader

# So many names fit a screen.
_SHOWN = 20
_VOID = ('void', 'unlabelled', 'unlabeled', 'ignore', 'ignored')


class FoundLabels:
    """Counts in how many images each label occurs.

    Args:
        declared: labels that the files list, whether a shape has them or not.

    Attributes:
        images: number of images in which shapes have each label.
        complete: False where a file could not be read.
    """

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self.images = Counter(dict.fromkeys(declared, 0))
        self.complete = True
        self._places: dict[str, str] = {}

    def add(self, labels: Iterable[str], place: str) -> None:
        """Adds the labels of one image; `place` names it in errors."""
        for label in dict.fromkeys(labels):
            self.images[label] += 1
            self._places.setdefault(label, place)

    def listing(self) -> str:
        """All labels with their numbers of images, frequent ones first."""
        frequent = [label for label, _ in self.images.most_common()]
        return self._counted(frequent) or 'none'

    def places(self, labels: list[str]) -> str:
        """Some labels with their numbers of images, and where the first is."""
        return f'{self._counted(labels)} (first in {self._places[labels[0]]})'

    def _counted(self, labels: list[str]) -> str:
        return shortened(
            f'{shown(label)} in {self.images[label]} '
            f'image{"" if self.images[label] == 1 else "s"}'
            for label in labels
        )


def check_labels(reader: NamedReader, found: FoundLabels) -> None:
    """Checks the options that name labels against the labels of the files.

    A class that may mean unlabelled is remarked upon.

    Args:
        reader: after its `items` were listed.
        found: labels of these items.

    Raises:
        ValueError: the order of the classes is unknown, an option names a
            label that does not exist or contradicts another option, or a
            label is neither a class nor unlabelled.
    """
    if not reader.names:
        raise ValueError(
            # Files of another convention have no labels.
            (not found.images and reader.foreign())
            or f'{reader.src} {reader.without_classes}; give the names of the '
            'classes in the order of their ids with --classes (labels found: '
            f'{found.listing()}).'
        )
    _check_unlabelled(reader, found)
    _check_undrawn(reader)
    unknown = [
        label
        for label, count in found.images.most_common()
        if count and label not in (*reader.names, *reader.unlabelled)
    ]
    if unknown:
        raise ValueError(
            f'{reader.src} has the label {found.places(unknown)}, expected '
            f'one of {shortened(map(shown, reader.names))}; add it to '
            '--classes, or to --unlabelled.'
        )
    void = [name for name in reader.names if name.casefold() in _VOID]
    if void:
        reader.remarks.append(
            f'{shortened(map(shown, void))} is a class to be learned; '
            'unless you mean that, give it to --unlabelled.'
        )


def _check_unlabelled(reader: NamedReader, found: FoundLabels) -> None:
    both = [name for name in reader.names if name in reader.unlabelled]
    if both:
        raise ValueError(
            f'{shortened(map(shown, both))} is in --classes and in '
            '--unlabelled; take it out of one of them.'
        )
    (option,) = (f for f in fields(reader) if f.name == 'unlabelled')
    # The defaults are names that files may have.
    unused = {*reader.unlabelled} - {*option.default} - {*found.images}
    # A file that cannot be read may hold any label.
    if unused and found.complete:
        raise ValueError(
            f'--unlabelled names {shortened(map(shown, sorted(unused)))}, '
            f'which no shape of {reader.src} has; correct it, or leave it '
            f'out (labels found: {found.listing()}).'
        )


def _check_undrawn(reader: NamedReader) -> None:
    if reader.undrawn in reader.unlabelled:
        raise ValueError(
            f'--undrawn is {shown(reader.undrawn)}, which --unlabelled makes '
            'no class; leave --undrawn out, as the rest of an image is '
            'unlabelled without it.'
        )
    if reader.undrawn not in (None, *reader.names):
        raise ValueError(
            f'--undrawn has the label {shown(reader.undrawn)}, expected one '
            f'of {shortened(map(shown, reader.names))}; add it to --classes.'
        )


def shortened(texts: Iterable[str]) -> str:
    """Joins texts; of many, some and the number of the others."""
    texts = [*texts]
    if len(texts) > _SHOWN:
        texts[_SHOWN:] = [f'{len(texts) - _SHOWN} more']
    return ', '.join(texts)
