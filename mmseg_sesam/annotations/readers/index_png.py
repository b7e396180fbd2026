"""Images that already hold class ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_sesam.annotations.base import Annotation, AnnotationReader, Item
from mmseg_sesam.annotations.classes import to_label
from mmseg_sesam.annotations.files import IndexImage, read_index, shown
from mmseg_sesam.annotations.options import NAMES, list_of, option
from mmseg_sesam.annotations.palettes import check_palettes
from mmseg_sesam.annotations.rendered import holds_index_images
from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.structures import UNLABELLED

# Pixels of a band (our choice: sorting them takes 9 MiB).
_BAND_PIXELS = 2**18
# Reason of a note.
_EQUAL = (
    'file of three equal channels, in which 0 was read as class 0 (in files '
    'of Scribbles for All 0 is unlabelled: use the format scribbles4all)'
)
_NUMBERS = list_of(int, 'a list of whole numbers')


@dataclass
class IndexPngReader(AnnotationReader):
    """Reads PNG or TIFF files of class ids, grey or palette, 8 or 16 bits.

    RLoss, TEL, SPML and many others store weak labels in such files, with
    different values for unlabelled pixels. `map` translates other values,
    such as ids from 1, or masks of 0 and 255; `classes` then names the ids
    that the map gives.
    """

    name = 'index-png'
    example = 'labels out --map 0=unlabelled 1=0 2=1'
    label_images = True

    classes: tuple[str, ...] = option(
        (),
        'names of the classes in the order of their ids, or one name such '
        'as voc or cityscapes; other ids are errors',
        NAMES,
        nargs='+',
    )
    unlabelled: tuple[int, ...] = option(
        (),
        'values besides 255 that mean unlabelled, such as 21 for VOC, 19 '
        'for Cityscapes, or -1, the largest value in files of numbers without '
        'a sign',
        _NUMBERS,
        nargs='+',
        type=int,
    )
    map: tuple[str, ...] | None = option(
        None,
        'what all values of the files mean, 255 among them: a class id, or '
        'a name of --classes, or unlabelled, such as 1=0 2=1 0=unlabelled; '
        'in place of --unlabelled',
        NAMES.or_none(),
        nargs='+',
        # The tool writes a space before -1=0.
        type=str.strip,
        metavar='VALUE=CLASS',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.map is not None and self.unlabelled:
            value = self.unlabelled[0]
            raise ValueError(
                f'--map and --unlabelled {value} are both given, expected '
                f'one; write {value}=unlabelled in --map.'
            )
        self.table = read_map(self.map or (), self.names)

    @classmethod
    def recognises(cls, src: Path) -> bool:
        return holds_index_images(src)

    def check(self, items: list[Item]) -> None:
        """Compares palettes; a map says what values mean, in any colour."""
        if self.map is None:
            is_data_set = len(self.classes) == 1 < len(self.names)
            check_palettes(
                [item.source for item in items],
                {*self.unlabelled, UNLABELLED},
                self.names,
                self.palette if is_data_set else (),
            )

    def read(self, item: Item) -> Annotation:
        image = read_index(item.source)
        values = image.values
        if self.map is not None:
            return self._translate(values, item.source)
        void = {v + image.largest + 1 if v < 0 else v for v in self.unlabelled}
        if values.dtype.kind == 'i':
            # Pillow reads files of 16 bits with and without a sign alike.
            void.update(self.unlabelled)
        _check_visible(image, {*void, UNLABELLED}, item.source)
        label = to_label(
            values,
            len(self.names),
            item.source,
            void,
            remedy='declare what means unlabelled with --unlabelled, correct '
            '--classes, translate ids with --map, or convert a rendering in '
            'colours with the format color-png',
        )
        seen = np.unique(values).tolist() if self.unlabelled else []
        notes = []
        if image.equal and (label == 0).any():
            notes = [(_EQUAL, str(item.source))]
        return Annotation(label, notes, seen)

    def misfit(self, values: set[int]) -> str | None:
        option = '--unlabelled' if self.map is None else '--map'
        # -1 means the largest value, which depends on the file.
        given = [v for v in self.unlabelled if v not in (-1, UNLABELLED)]
        unused = [v for v in (*self.table, *given) if v not in values]
        if not unused:
            return None
        return (
            f'{option} has the values {unused[:8]}, which no file of '
            f'{self.src} holds, expected some of {sorted(values)[:20]}; '
            'correct or remove these, and give a new folder.'
        )

    def lacking(self, found: set[int]) -> str:
        said = super().lacking(found)
        if self.map is None and len(found) == 1:
            said += (
                ' 255 was read as unlabelled: if it is a class in the files, '
                'as in masks of 0 and 255, give --map 0=0 255=1 and a new '
                'folder.'
            )
        return said

    def _translate(self, values: np.ndarray, where: object) -> Annotation:
        label = np.empty(values.shape, np.uint8)
        counted: Counter[int] = Counter()
        for rows in row_bands(values.shape, pixels=_BAND_PIXELS):
            block = values[rows]
            found, places, counts = np.unique(
                block, return_inverse=True, return_counts=True
            )
            found = found.tolist()
            counted.update(dict(zip(found, counts.tolist())))
            ids = [self.table.get(value, UNLABELLED) for value in found]
            label[rows] = np.array(ids, np.uint8)[places.reshape(block.shape)]
        lacking = sorted(counted.keys() - self.table.keys())
        if lacking:
            listed = ', '.join(
                f'{value} ({counted[value]} pixels)' for value in lacking[:8]
            )
            raise ValueError(
                f'{where} holds {len(lacking)} values that --map lacks: '
                f'{listed}; add them, such as {lacking[0]}=unlabelled.'
            )
        return Annotation(label, values=sorted(counted))


def _check_visible(image: IndexImage, void: set[int], where: Path) -> None:
    """Raises if a value is transparent and not declared as unlabelled."""
    for value in sorted(image.transparent - void):
        if (image.values == value).any():
            raise ValueError(
                f'{where} shows the value {value} as transparent, and does '
                'not say whether it is a class; give --unlabelled '
                f'{value}, or --map with {value}=CLASS.'
            )


def read_map(entries: Iterable[str], names: Sequence[str]) -> dict[int, int]:
    """Reads entries such as '1=0', '2=cat' and '0=unlabelled'.

    Args:
        entries: a value and its class in each entry.
        names: names of the classes; empty if unknown.

    Returns:
        Class id, or 255 for unlabelled, by value.

    Raises:
        ValueError: an entry has another form, or its value two classes.

    Example:
        >>> read_map(['0=unlabelled', '1=0'], names=())
        {0: 255, 1: 0}
    """
    classes = {name: i for i, name in enumerate(names)}
    # A number is an id, even if a class has the number for a name.
    classes |= {str(i): i for i in range(len(names) or UNLABELLED)}
    classes['unlabelled'] = UNLABELLED
    table: dict[int, int] = {}
    for entry in entries:
        value, _, name = entry.partition('=')
        wrong = not re.fullmatch('-?[0-9]{1,5}', value) or name not in classes
        if wrong or int(value) in table:
            raise ValueError(
                f'--map has {shown(entry)}, expected VALUE=CLASS, each value '
                f'once, with a class id from 0 to '
                f'{(len(names) or UNLABELLED) - 1}, a name of --classes, '
                'or unlabelled, such as 1=0.'
            )
        table[int(value)] = classes[name]
    return table
