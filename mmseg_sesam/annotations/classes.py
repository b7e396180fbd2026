"""Names and colours of classes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from mmseg_sesam.annotations.files import shown
from mmseg_sesam.io.palettes import voc_colours

IGNORE_INDEX = 255
Classes = tuple[tuple[str, ...], list[list[int]]]


def name_classes(names: Iterable[str]) -> Classes:
    """Returns names of classes and as many RGB colours.

    Args:
        names: names in the order of their ids.

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


def resolve_classes(values: Sequence[str]) -> Classes:
    """Returns names and RGB colours of the classes that an option names.

    Args:
        values: names in the order of their ids, or the name of a data set
            that mmseg knows, such as 'voc'.

    Raises:
        ValueError: a name is empty or occurs twice, or there are too many.

    Example:
        >>> resolve_classes(['cat', 'dog'])
        (('cat', 'dog'), [[0, 0, 0], [128, 0, 0]])
    """
    if len(values) == 1:
        tables = _tables_of_mmseg()
        try:
            names = tables.get_classes(values[0])
            return tuple(names), tables.get_palette(values[0])
        except ValueError:
            # No data set has this name: it is the only class.
            pass
    unnamed = [i for i, name in enumerate(values) if not name.strip()]
    if unnamed:
        raise ValueError(
            f'Class {unnamed[0]} of --classes has no name, expected one in '
            'each line of a file; remove empty lines.'
        )
    return name_classes(values)


def _tables_of_mmseg() -> ModuleType:
    """Loads mmseg's file of data sets alone: importing mmseg imports torch."""
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
