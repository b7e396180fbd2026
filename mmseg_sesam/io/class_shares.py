"""Reads the classes' shares of the pixels of a data set."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmseg_sesam.io.labels import read_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_files
from mmseg_sesam.io.names import nfc
from mmseg_sesam.structures import UNLABELLED

# Columns of a table of classified pixels.
COLUMNS = ('image', 'x', 'y', 'class')
# Stands in the column 'class' for a pixel that shows none of the classes.
NO_CLASS = '(none)'
# Given shares may be rounded (our choice).
_TOLERANCE = 0.01


class ClassShares(NamedTuple):
    """The share of each class in the pixels of a data set.

    Attributes:
        values: (C,) float64, of sum 1.
        pixels: number of random pixels that were classified; 0 if the
            shares come from somewhere else.
        source: their place, for messages.
    """

    values: np.ndarray
    pixels: int
    source: str


def read_shares(
    shares: Mapping[str, float] | str | os.PathLike,
    classes: Sequence[str],
    table: np.ndarray | None = None,
    unnamed: np.ndarray | None = None,
    ending: str | tuple[str, ...] = LABEL_SUFFIXES,
) -> ClassShares:
    """Returns the shares of all classes.

    Args:
        shares: share of each class by its name; or the path of a table of
            classified pixels, see tools/sample_pixels.py; or of a folder of
            dense labels, with 255 for unlabelled.
        classes: names of the data set's classes, in the order of their ids.
        table: (256,) class id of each value of the dense labels.
        unnamed: (256,) bool, the values that dense labels must not have.
        ending: end of the names of dense labels, or several; other files of
            the folder are not counted.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: a name is no class, a class or a part of the table is
            missing, or the shares do not add up to 1.

    Example:
        >>> read_shares(dict(sky=0.25, road=0.75), ['road', 'sky']).values
        array([0.75, 0.25])
    """
    if isinstance(shares, Mapping):
        return ClassShares(_given_shares(shares, classes), 0, 'shares')
    path = Path(shares)
    if path.is_dir():
        counts = _count_labels(path, classes, table, unnamed, ending)
        return ClassShares(counts / counts.sum(), 0, str(path))
    counts, _ = count_classified(path, classes)
    return ClassShares(counts / counts.sum(), int(counts.sum()), str(path))


def count_classified(
    path: str | os.PathLike, classes: Sequence[str]
) -> tuple[np.ndarray, int]:
    """Returns (C,) pixels of each class in a table, and those of no class.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the table has other columns or classes, or pixels that
            nobody has classified.
    """
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            reader = csv.DictReader(file)
            missing = sorted({*COLUMNS} - {*(reader.fieldnames or ())})
            if missing:
                raise ValueError(
                    f'{path} has no column {missing[0]!r}, expected '
                    f'{",".join(COLUMNS)} as tools/sample_pixels.py writes '
                    'them; give the table that its page saves.'
                )
            names = [nfc((row['class'] or '').strip()) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f'{path} cannot be read as a table ({error}); give the table '
            'that the page of tools/sample_pixels.py saves.'
        ) from error
    if '' in names:
        raise ValueError(
            f'{path} has {names.count("")} of {len(names)} pixels without a '
            f'class, the first in line {names.index("") + 2}; classify them '
            f'on the page, with {NO_CLASS} for those of no class.'
        )
    # tools/sample_pixels.py wrote names of this spelling.
    classes = [*map(nfc, classes)]
    unknown = sorted({*names} - {*classes, NO_CLASS})
    if unknown:
        raise ValueError(
            f'{path} has the class {unknown[0]!r} in line '
            f'{names.index(unknown[0]) + 2}, expected one of '
            f'{", ".join(classes)}, or {NO_CLASS}; correct it.'
        )
    counts = np.array([names.count(name) for name in classes])
    if not counts.any():
        raise ValueError(
            f'{path} has no pixel of any class, expected some hundred; '
            'classify pixels on the page of tools/sample_pixels.py.'
        )
    return counts, names.count(NO_CLASS)


def _given_shares(
    shares: Mapping[str, float], classes: Sequence[str]
) -> np.ndarray:
    """Returns (C,) shares of a dict, divided by their sum."""
    # Nobody sees a difference in the spelling of accents.
    shares = {nfc(name): share for name, share in shares.items()}
    classes = [*map(nfc, classes)]
    unknown = [name for name in shares if name not in classes]
    missing = [name for name in classes if name not in shares]
    if unknown or missing:
        fault = (
            f'the class {unknown[0]!r}, which the data set does not have'
            if unknown
            else f'no share for the class {missing[0]!r}'
        )
        raise ValueError(
            f'The shares of classes have {fault}; expected one share for '
            f'each of {", ".join(classes)}.'
        )
    values = np.array([shares[name] for name in classes], float)
    # NaN is not at least 0 either.
    if not (values >= 0).all() or abs(values.sum() - 1) > _TOLERANCE:
        raise ValueError(
            f'The shares of classes are from {values.min():g} to '
            f'{values.max():g} and add up to {values.sum():g}, expected '
            'shares of at least 0 that add up to 1; correct them.'
        )
    return values / values.sum()


def _count_labels(
    folder: Path,
    classes: Sequence[str],
    table: np.ndarray | None,
    unnamed: np.ndarray | None,
    ending: str | tuple[str, ...],
) -> np.ndarray:
    """Returns (C,) pixels of each class in the dense labels of a folder."""
    counts = np.zeros(256, np.int64)
    for path in list_files(folder, ending):
        label = read_label(path)
        if unnamed is not None and unnamed[label].any():
            raise ValueError(
                f'{path} holds the id {label[unnamed[label]].min()}, which '
                'the data set does not name; give dense labels of this data '
                'set.'
            )
        label = label if table is None else table[label]
        found = np.bincount(label.ravel(), minlength=256)
        wrong = np.flatnonzero(found[len(classes) : UNLABELLED])
        if len(wrong):
            raise ValueError(
                f'{path} holds the class id {wrong[0] + len(classes)}, '
                f'expected ids below {len(classes)}, or 255 for unlabelled; '
                'give dense labels of this data set.'
            )
        counts += found
    counts = counts[: len(classes)]
    if not counts.any():
        endings = (ending,) if isinstance(ending, str) else ending
        raise ValueError(
            f'{folder} holds no labelled pixel, expected dense index images '
            f'whose names end in {", ".join(endings)}, as seg_map_suffix of '
            'the training data set; give the folder of some dense labels with '
            'such names.'
        )
    return counts
