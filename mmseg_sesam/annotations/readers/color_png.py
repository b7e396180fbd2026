"""Renderings in colours, with a table of what the colours mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.annotations.base import Annotation, Item
from mmseg_sesam.annotations.classes import name_classes, resolve_classes
from mmseg_sesam.annotations.files import read_rgb, shortened, shown
from mmseg_sesam.annotations.options import NAMES, option
from mmseg_sesam.annotations.readers.cvat import EXPORT
from mmseg_sesam.annotations.rendered import holds_renderings
from mmseg_sesam.annotations.shapes import NamedReader
from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.io.names import nfc
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.validators import PATH

Colour = tuple[int, ...]
# Makes one number of R, G and B.
_CODE = np.array([1 << 16, 1 << 8, 1], np.int32)
# Alpha of a pixel that shows its colour alone.
_OPAQUE = 255
# Pixels of a band (our choice: their numbers take 8 MiB).
_BAND_PIXELS = 2**18

_FORM = (
    "a name and R, G, B, such as 'road,128,64,128' or 'road = #804080', and "
    'no other number beside these'
)
_GAP = r'\s*(?:[,;:]\s*|\s)'
_RGB = rf'[(\[]?\s*\d{{1,3}}(?:{_GAP}\d{{1,3}}){{2}}\s*[)\]]?'
_HEX = '#[0-9a-fA-F]{6}'
_COLOUR = rf'(?P<colour>{_RGB}|{_HEX})'
_BETWEEN = r'(?:\s*[=:,;]\s*|\s+)'
# A name has no quotes or brackets, as JSON and other languages have.
_NAME = (
    r'"?(?P<name>[^\s"\'{}\[\]=:,;#](?:[^"{}\[\]=:,;#]*[^\s"{}\[\]=:,;#])?)"?'
)
_LINES = (
    # CVAT appends ':parts:actions' to the colour; CamVid, the name.
    re.compile(rf'{_NAME}{_BETWEEN}{_COLOUR}(?::[^:]*:[^:]*)?[\s,;]*'),
    re.compile(rf'{_COLOUR}{_BETWEEN}{_NAME}'),
)
_NUMBERS = re.compile(r'(?<!\w)\d+(?:[\s,;:]+\d+){3,}(?!\w)')


@dataclass
class ColorPngReader(NamedReader):
    """Reads PNG or TIFF files in which colours stand for classes.

    Without `classes`, the classes are the names of the table in their
    order. Several colours may have one name. Transparent pixels are
    unlabelled, also partly transparent ones, as of a brush with soft edges.
    """

    name = 'color-png'
    example = 'renderings out --colors labelmap.txt'
    label_images = True

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
        'names, or colours as R,G,B, that mean unlabelled, besides the '
        'default; without a name, none does',
        NAMES,
        nargs='*',
    )

    @classmethod
    def recognises(cls, src: Path) -> bool:
        return holds_renderings(src)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.undrawn is not None:
            raise ValueError(
                f'--undrawn is {shown(self.undrawn)}, but every pixel of a '
                'rendering has a colour or is transparent, which means '
                'unlabelled; leave it out, and give --colors the colour of '
                'the rest.'
            )
        if Path(self.colors).is_file():
            table = read_colour_table(Path(self.colors))
        else:
            names, palette = resolve_classes([str(self.colors)])
            table = [*zip(names, map(tuple, palette))]
            if len(table) < 2:
                raise ValueError(
                    f'--colors is {self.colors}, expected a file of names and '
                    'colours, or a data set that mmseg knows, such as voc.'
                )
        if not self.classes:
            first: dict[str, Colour] = {}
            for name, rgb in table:
                if name not in self.unlabelled:
                    first.setdefault(name, rgb)
            self.names, _ = name_classes(first)
            self.palette = [list(first[name]) for name in self.names]
        names: dict[Colour, dict[int, str]] = {}
        for name, rgb in table:
            id_ = self.class_id(name, str(self.colors))
            names.setdefault(rgb, {}).setdefault(id_, name)
        # Palettes of mmseg give some colours to several classes.
        self.shared = {
            rgb: [*by_id.values()]
            for rgb, by_id in names.items()
            if len(by_id) > 1
        }
        self.ids = {
            rgb: next(iter(by_id))
            for rgb, by_id in names.items()
            if rgb not in self.shared
        }
        if Path(self.colors).name == 'labelmap.txt':
            self.remarks.append(
                f'{EXPORT} Its background is also what nobody drew: give '
                '--unlabelled background unless the rest is known to be it.'
            )
        known = {name for name, _ in table}
        for text in self.unlabelled:
            try:
                colour = read_colour(text)
            except ValueError as error:
                raise ValueError(f'--unlabelled {text} {error}.') from None
            if colour:
                self.ids[colour] = UNLABELLED
            else:
                self._check_unlabelled_name(text, known)

    def _check_unlabelled_name(self, name: str, known: set[str]) -> None:
        # The defaults are names that a table may have.
        if name not in known and name not in type(self).unlabelled:
            raise ValueError(
                f'--unlabelled has {shown(name)}, expected a colour as R,G,B '
                f'or a name of {self.colors}: '
                f'{shortened(map(shown, sorted(known)))}; correct it, or '
                'leave it out.'
            )
        if name in self.names:
            raise ValueError(
                f'{shown(name)} is in --classes and means unlabelled, too; '
                'take it out of --classes, or give --unlabelled without a '
                'name.'
            )

    def check(self, items: list[Item]) -> None:
        """Remarks on classes; `read` compares colours with the table."""
        self.remark_void()

    def contents(self) -> dict[str, Any]:
        return dict(table=sorted([*rgb, id_] for rgb, id_ in self.ids.items()))

    def read(self, item: Item) -> Annotation:
        image, alpha = read_rgb(item.source)
        # Zero is a colour without a name.
        table = np.zeros(1 << 24, np.uint16)
        for (red, green, blue), id_ in self.ids.items():
            table[red << 16 | green << 8 | blue] = id_ + 1
        label = np.empty(image.shape[:2], np.uint8)
        unknown = set()
        for rows in row_bands(image.shape, pixels=_BAND_PIXELS):
            codes = image[rows].astype(np.int32) @ _CODE
            found = table[codes]
            if alpha is not None:
                found[alpha[rows] < _OPAQUE] = UNLABELLED + 1
            unknown.update(np.unique(codes[found == 0]).tolist())
            # Where it is zero, the file is refused below.
            label[rows] = found - 1
        strange = [(c >> 16, c >> 8 & 255, c & 255) for c in sorted(unknown)]
        for colour in filter(self.shared.get, strange):
            raise ValueError(
                f'{item.source} holds the colour {colour}, which '
                f'{self.colors} gives to several classes '
                f'({", ".join(map(shown, self.shared[colour]))}); give '
                '--colors a table of your own, or the colour to --unlabelled '
                'as R,G,B.'
            )
        if strange:
            raise ValueError(
                f'{item.source} holds {len(strange)} colours that '
                f'{self.colors} does not name, such as {strange[:3]}; add '
                'them to the table, or to --unlabelled as R,G,B; thousands '
                'of colours are those of a photo or of a smoothed rendering.'
            )
        return Annotation(label, _notes(alpha, item.source))


def _notes(alpha: np.ndarray | None, path: Path) -> list[tuple[str, str]]:
    """Returns notes on pixels that are unlabelled by their (H, W) alpha."""
    notes = []
    if alpha is not None:
        whole = np.count_nonzero(alpha == 0)
        part = np.count_nonzero(alpha < _OPAQUE) - whole
        for kind, number in (
            ('transparent pixels', whole),
            # A soft edge of a brush may lie outside of the object.
            ('partly transparent pixels', part),
        ):
            if number:
                notes.append((f'{kind}, unlabelled', f'{path}: {number}'))
    return notes


def read_colour(text: str) -> Colour | None:
    """Reads 'R,G,B' or '#rrggbb'; returns None if the text is no colour.

    Raises:
        ValueError: a number is above 255.

    Example:
        >>> read_colour('#804080')
        (128, 64, 128)
    """
    text = text.strip()
    if re.fullmatch(_HEX, text):
        return tuple(bytes.fromhex(text[1:]))
    if not re.fullmatch(_RGB, text):
        return None
    rgb = tuple(map(int, re.findall(r'\d+', text)))
    if max(rgb) > 255:
        raise ValueError(f'has the colour {rgb}, expected 0 to 255')
    return rgb


def read_colour_table(path: Path) -> list[tuple[str, Colour]]:
    """Returns names and colours of a text file, a pair in each line, or JSON.

    JSON is an object of colours by name, or a list of objects with `name`
    and `color`, as CVAT exports the labels of a task. The pairs have the
    order of the file; several colours may have one name.

    Raises:
        ValueError: a line is something else, or a colour has two names.
    """
    try:
        text = path.read_text(encoding='utf-8-sig')
    except ValueError as error:
        raise ValueError(
            f'{path} cannot be read as text ({error}), expected a table of '
            f'{_FORM}; give its file.'
        ) from error
    entries = _json if text.lstrip()[:1] in ('{', '[') else _lines
    table: dict[Colour, str] = {}
    for where, spelled, colour_text, entry in entries(text, path):
        name = nfc(spelled)
        try:
            colour = read_colour(colour_text)
        except ValueError as error:
            raise ValueError(f'{where} {error}; correct the table.') from None
        if colour is None:
            raise ValueError(
                f'{where} is {shown(entry)}, expected {_FORM}; correct the '
                'table.'
            )
        if not name or table.setdefault(colour, name) != name:
            raise ValueError(
                f'{where} gives the colour {colour} to {name!r}, expected one '
                'name for each colour; correct the table.'
            )
    if not table:
        raise ValueError(
            f'{path} holds no colour, expected in each line {_FORM}; correct '
            'the table.'
        )
    return [(name, colour) for colour, name in table.items()]


def _lines(text: str, path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yields place, name, colour and text of each line."""
    for number, line in enumerate(text.splitlines(), 1):
        heading = number == 1 and not re.search(r'\d', line)
        name, colour = _match(line.strip())
        comment = not line.strip() or line.startswith('#') or heading
        if colour or not comment:
            yield f'{path}, line {number}', name, colour, line


def _match(line: str) -> tuple[str, str]:
    """Returns name and colour of a line; each is empty if it has none."""
    if re.fullmatch(f'{_RGB}|{_HEX}', line):
        return '', line
    # A fourth number may be an id or part of a name such as "Level 2".
    if not _NUMBERS.search(line):
        for form in _LINES:
            if found := form.fullmatch(line):
                return found['name'], found['colour']
    return '', ''


def _json(text: str, path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yields place, name, colour and text of each entry of JSON."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f'{path}, line 1 begins JSON that cannot be read ({error}), '
            f'expected {_FORM}; correct the table.'
        ) from error
    entries = content.items() if isinstance(content, dict) else content
    for entry in entries:
        if isinstance(entry, dict):
            entry = entry.get('name'), entry.get('color')
        name, colour = entry if isinstance(entry, tuple) else (None, entry)
        where = f'{path}, {shown(name)}'
        if isinstance(colour, list):
            colour = ','.join(map(str, colour))
        if not isinstance(name, str) or not isinstance(colour, str):
            raise ValueError(
                f'{where} has {shown(colour)}, expected an object of colours '
                'by name, such as {"road": [128, 64, 128]}, or a list of '
                '{"name": "road", "color": "#804080"}; correct the table.'
            )
        yield where, name, colour, colour
