"""Names and colours of classes, and their ids in index images."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.annotations.files import optional_import, shown
from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.io.names import nfc
from mmseg_sesam.io.palettes import voc_colours
from mmseg_sesam.structures import UNLABELLED

Classes = tuple[tuple[str, ...], list[list[int]]]


def name_classes(names: Iterable[str]) -> Classes:
    """Returns names in the order of their ids, and as many RGB colours.

    Names of a file that differ in the spelling of accents become one.

    Raises:
        ValueError: a name occurs twice, or there are too many.
    """
    names = tuple(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(names) > UNLABELLED:
        raise ValueError(
            f'There are {len(names)} classes, {shown(twice)} more than once, '
            f'expected up to {UNLABELLED} different names; give --classes.'
        )
    names = tuple(dict.fromkeys(map(nfc, names)))
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
    if len(values) == 1 and (found := _classes_of_mmseg(values[0])):
        return found
    unnamed = [i for i, name in enumerate(values) if not name.strip()]
    if unnamed:
        raise ValueError(
            f'Class {unnamed[0]} of --classes has no name, expected one in '
            'each line of a file; remove empty lines.'
        )
    return name_classes(map(nfc, values))


def _classes_of_mmseg(data_set: str) -> Classes | None:
    """Returns the classes of a data set; None if mmseg does not know it."""
    tables = _tables_of_mmseg()
    try:
        names = tuple(tables.get_classes(data_set))
        palette = tables.get_palette(data_set)
    except ValueError:
        return None
    # mmseg's palette of LIP holds names.
    if any(isinstance(colour, str) for colour in palette):
        palette = voc_colours()[: len(names)]
    return names, palette


def _tables_of_mmseg() -> Any:
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


def to_label(
    values: np.ndarray,
    num_classes: int,
    where: object,
    void: Iterable[int] = (),
    first: int = 0,
    remedy: str = 'correct it',
) -> np.ndarray:
    """Returns the (H, W) uint8 class ids of (H, W) integers of a file.

    Args:
        values: integers.
        num_classes: number of classes, 0 if unknown.
        where: file, for the message.
        void: values that mean unlabelled, besides 255.
        first: value of class 0.
        remedy: what to do with other values, for the message.

    Raises:
        ValueError: there are other values.

    Example:
        >>> to_label(np.array([[0, 1, 2]]), 2, 'a.png', void=[0], first=1)
        array([[255,   0,   1]], dtype=uint8)
    """
    last = first + (num_classes or UNLABELLED) - 1
    void = [*void, UNLABELLED]
    label = np.empty(values.shape, np.uint8)
    strange = set()
    for rows in row_bands(values.shape):
        block = values[rows]
        unlabelled = np.isin(block, void)
        wrong = ~unlabelled & ((block < first) | (block > last))
        strange.update(np.unique(block[wrong]).tolist())
        label[rows] = np.where(unlabelled, UNLABELLED, block - first)
    if strange:
        raise ValueError(
            f'{where} holds the values {sorted(strange)[:8]}, '
            f'expected class ids from {first} to {last}, or 255; {remedy}.'
        )
    return label


def train_ids(
    ids: np.ndarray, where: object, remedy: str = 'give its labelIds files'
) -> np.ndarray:
    """Returns the train ids of (H, W) label ids of Cityscapes, 255 for void.

    Raises:
        ValueError: there are other values than label ids.
    """
    labels = optional_import('cityscapesscripts.helpers.labels')
    table = np.full(256, -1, np.int16)
    table[UNLABELLED] = UNLABELLED
    for entry in labels.labels:
        if entry.id >= 0:
            table[entry.id] = entry.trainId
    found = np.unique(ids)
    known = (found >= 0) & (found <= 255) & (table[found.clip(0, 255)] >= 0)
    if not known.all():
        raise ValueError(
            f'{where} holds the values {found[~known][:8].tolist()}, expected '
            f'label ids of Cityscapes, 0 to 33; {remedy}.'
        )
    return table[ids]
