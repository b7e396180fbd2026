"""Renderings in colours, with a table of what the colours mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.annotations.base import Annotation, Item
from mmseg_sesam.annotations.classes import (
    IGNORE_INDEX,
    name_classes,
    resolve_classes,
)
from mmseg_sesam.annotations.colour_table import (
    Colour,
    read_colour,
    read_colour_table,
)
from mmseg_sesam.annotations.files import read_rgb, shortened, shown
from mmseg_sesam.annotations.named import NamedReader
from mmseg_sesam.annotations.options import NAMES, option
from mmseg_sesam.annotations.readers.cvat import EXPORT
from mmseg_sesam.validators import PATH


@dataclass
class ColorPngReader(NamedReader):
    """Reads PNG or TIFF files in which colours stand for classes.

    Without `classes`, the classes are the names of the table in their
    order. Several colours may have one name.
    """

    name = 'color-png'
    example = 'renderings out --colors labelmap.txt'

    colors: str | None = option(
        None,
        'table of colours: a text file with a name and R, G, B or #rrggbb in '
        "each line (such as CVAT's labelmap.txt or CamVid's class_dict.csv), "
        'JSON of colours by name, or the name of a data set that mmseg '
        'knows, such as voc',
        PATH,
        required=True,
    )
    unlabelled: tuple[str, ...] = option(
        ('void', 'Void', 'unlabelled', 'unlabeled', '__ignore__'),
        'names, or colours as R,G,B, that mean unlabelled',
        NAMES,
        nargs='*',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.undrawn is not None:
            raise ValueError(
                f'--undrawn is {shown(self.undrawn)}, but every pixel of a '
                'rendering has a colour; leave it out, and give --colors the '
                'colour of the rest.'
            )
        table = _read_table(self.colors)
        if not self.classes:
            named = dict.fromkeys(name for name, _ in table)
            names = [name for name in named if name not in self.unlabelled]
            self.names, _ = name_classes(names)
            first = {name: rgb for name, rgb in reversed(table)}
            self.palette = [list(first[name]) for name in self.names]
        self.ids = {
            rgb: self.class_id(name, str(self.colors)) for name, rgb in table
        }
        if Path(self.colors).name == 'labelmap.txt':
            self.remarks.append(
                f'{EXPORT} Its background is also what nobody drew: give '
                '--unlabelled background unless the rest is known to be it.'
            )
        for text in self.unlabelled:
            try:
                colour = read_colour(text)
            except ValueError as error:
                raise ValueError(f'--unlabelled {text} {error}.') from None
            if colour:
                self.ids[colour] = IGNORE_INDEX
            else:
                self._check_name(text, {name for name, _ in table})

    def _check_name(self, name: str, known: set[str]) -> None:
        """Raises if a name of `unlabelled` is unknown, or a class, too."""
        default = type(self).unlabelled
        # The defaults are names that a table may have.
        if name not in known and name not in default:
            raise ValueError(
                f'--unlabelled has {shown(name)}, expected a colour as R,G,B '
                f'or a name of {self.colors}: '
                f'{shortened(map(shown, sorted(known)))}; correct it, or '
                'leave it out.'
            )
        if name in self.names:
            raise ValueError(
                f'{shown(name)} is in --classes and means unlabelled, too; '
                'take it out of --classes, or give --unlabelled without it.'
            )

    def check(self, items: list[Item]) -> None:
        """See the base class; `read` compares the colours with the table."""

    def contents(self) -> dict[str, Any]:
        """See the base class."""
        return dict(table=sorted([*rgb, id_] for rgb, id_ in self.ids.items()))

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        image = read_rgb(item.source).astype(np.int64)
        codes, inverse = np.unique(
            image @ (65536, 256, 1), return_inverse=True
        )
        colours = [(c >> 16, c >> 8 & 255, c & 255) for c in codes.tolist()]
        strange = [rgb for rgb in colours if rgb not in self.ids]
        if strange:
            raise ValueError(
                f'{item.source} holds {len(strange)} colours that '
                f'{self.colors} does not name, such as {strange[:3]}; add '
                'them to the table, or to --unlabelled as R,G,B; thousands '
                'of colours are those of a photo or of a smoothed rendering.'
            )
        table = np.array([self.ids[rgb] for rgb in colours], np.uint8)
        return Annotation(table[inverse.reshape(image.shape[:2])])


def _read_table(source: str) -> list[tuple[str, Colour]]:
    """Returns names and colours of a text file, or of a data set of mmseg."""
    path = Path(source)
    if path.is_file():
        return read_colour_table(path)
    names, palette = resolve_classes([str(source)])
    if len(names) < 2:
        raise ValueError(
            f'--colors is {source}, expected a file of names and colours, or '
            'a data set that mmseg knows, such as voc.'
        )
    return [*zip(names, map(tuple, palette))]
