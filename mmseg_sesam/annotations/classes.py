"""Names and colours of classes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from mmseg_sesam.annotations.base import IGNORE_INDEX, AnnotationReader, option
from mmseg_sesam.annotations.files import shown
from mmseg_sesam.io.palettes import voc_colours

# ScribbleSup's tags, in the order of VOC's ids, are not VOC's own names.
# fmt: off
SCRIBBLESUP_TAGS = (
    'background', 'plane', 'bike', 'bird', 'boat', 'bottle', 'bus', 'car',
    'cat', 'chair', 'cow', 'table', 'dog', 'horse', 'motorbike', 'person',
    'plant', 'sheep', 'sofa', 'train', 'monitor',
)
# fmt: on


def name_classes(
    names: Iterable[str],
) -> tuple[tuple[str, ...], list[list[int]]]:
    """Names and colours of classes.

    Args:
        names: in the order of their ids.

    Returns:
        The names, and as many RGB colours.

    Raises:
        ValueError: a name occurs twice, or there are too many.
    """
    names = tuple(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(names) > IGNORE_INDEX:
        raise ValueError(
            f'There are {len(names)} classes, {shown(twice)} more than once, '
            f'expected up to {IGNORE_INDEX} different names; give --classes.'
        )
    return names, voc_colours()[: len(names)]


def resolve_classes(
    values: Sequence[str],
) -> tuple[tuple[str, ...], list[list[int]]]:
    """Names and colours of the classes that the user asked for.

    Args:
        values: names in the order of their ids, or the one name of a data
            set that mmseg knows, such as 'voc'.

    Returns:
        The names, and as many RGB colours.

    Raises:
        ValueError: a name is empty or occurs twice, or there are too many.
    """
    if len(values) == 1:
        tables = _tables_of_mmseg()
        try:
            names = tables.get_classes(values[0])
            return tuple(names), tables.get_palette(values[0])
        except ValueError:
            # It is the name of the only class.
            pass
    unnamed = [i for i, name in enumerate(values) if not name.strip()]
    if unnamed:
        raise ValueError(
            f'Class {unnamed[0]} of --classes has no name, expected one in '
            'each line of a file; take empty lines out.'
        )
    return name_classes(values)


def _tables_of_mmseg() -> ModuleType:
    """Mmseg's names and colours of known data sets.

    The one file is loaded, without mmseg, which would import torch.

    Raises:
        ValueError: mmseg is not installed.
    """
    package = importlib.util.find_spec('mmseg')
    if package is None:
        raise ValueError(
            'One name of --classes stands for a data set that mmseg knows, '
            'and mmseg is not installed; install it, or give the names of '
            'all classes.'
        )
    path = Path(package.submodule_search_locations[0], 'utils/class_names.py')
    spec = importlib.util.spec_from_file_location(path.stem, path)
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    return tables


@dataclass
class NamedReader(AnnotationReader):
    """A reader of annotations whose shapes carry the names of classes."""

    classes: tuple[str, ...] = option(
        (),
        'names of the classes in the order of their ids; @FILE reads them '
        'from a file, one a line; one name such as voc or cityscapes stands '
        'for the classes that mmseg knows by it',
        nargs='+',
    )
    unlabelled: tuple[str, ...] = option(
        ('__ignore__',),
        'names that mean unlabelled (default: %(default)s)',
        nargs='*',
    )
    undrawn: str | None = option(
        None,
        'name of the class of all pixels that no shape covers (default: '
        'they are unlabelled)',
        metavar='CLASS',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.names, self.palette = resolve_classes(self.classes)

    def class_id(self, name: str, where: str) -> int:
        """The id of a class, or 255 of a name that means unlabelled.

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

    def fill(self) -> int:
        """The value of pixels that no shape covers.

        Raises:
            ValueError: `undrawn` is no class.
        """
        if self.undrawn is None:
            return IGNORE_INDEX
        return self.class_id(self.undrawn, '--undrawn')
