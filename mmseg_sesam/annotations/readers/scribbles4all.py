"""Scribbles for All: generated scribbles, PNG or HDF5."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.annotations import files
from mmseg_sesam.annotations.base import Annotation, AnnotationReader, Item
from mmseg_sesam.annotations.classes import to_label, train_ids
from mmseg_sesam.annotations.drawing import Canvas
from mmseg_sesam.annotations.options import NAMES, choice, option
from mmseg_sesam.annotations.shapes import WIDTH
from mmseg_sesam.validators import check_option, number

# Limit for one data set of an HDF5 file: a hundred times what the scribbles
# of an image need (our choice).
_MAX_BYTES = 1 << 27


@dataclass
class Scribbles4AllReader(AnnotationReader):
    """Reads the scribbles of "Scribbles for All".

    A PNG has three equal channels, in which 0 is unlabelled. An HDF5 file
    holds `scribble` (N, P, 2), points (column, row) of N lines,
    `scribble_values` (N, 3), `image_dims` (H, W, 3) and `config`, JSON with
    `line_thickness`. Source: https://github.com/wbkit/Scribbles4All,
    s4ScribbleGenerator (create_scribble.py, image_from_hdf.py).
    """

    name = 'scribbles4all'
    example = 'scribbles out --values cityscapes'
    label_images = True

    values: str | None = choice(
        None,
        ('ids', 'from-1', 'cityscapes'),
        'what the values other than 0 are: class ids; class ids counted from '
        '1, as in ADE20K; or ids of Cityscapes and KITTI-360, of which train '
        'ids are made',
        required=True,
    )
    classes: tuple[str, ...] = option(
        (),
        'names of the classes in the order of their ids, or one name such '
        'as voc or ade; other ids are errors',
        NAMES,
        nargs='+',
    )
    source: str = choice(
        'png', ('png', 'h5'), 'which of the files of an image to read'
    )
    width: int | None = option(
        None,
        "width of an HDF5 file's lines in pixels (default: that of the file)",
        WIDTH.or_none(),
        type=int,
    )
    length: float = option(
        1.0,
        "share of an HDF5 file's lines to be drawn, around their middle",
        number(above=0, at_most=1),
        type=float,
    )

    def __post_init__(self) -> None:
        if self.values == 'cityscapes' and not self.classes:
            self.classes = ('cityscapes',)
        super().__post_init__()
        if self.source == 'png':
            self._check_png()
        else:
            self.endings = '.h5'
            # The HDF5 library trusts the offsets in a file.
            self.fragile = True

    def _check_png(self) -> None:
        """Raises if an option is given that only HDF5 files have."""
        if self.width is not None or self.length != 1:
            raise ValueError(
                '--width and --length act on HDF5 files, and PNG files are '
                'read; leave them out, or give --source h5.'
            )

    def read(self, item: Item) -> Annotation:
        if self.source == 'png':
            values = files.read_index(item.source).values
            return Annotation(self._label(values, item.source))
        size, width, lines, values = _read_hdf5(item.source)
        canvas = Canvas(item.where, size)
        ids = self._label(values[None], item.source)[0]
        for line, class_id in zip(lines, ids.tolist()):
            # Scribbles4All's own script cuts the same parts off both ends.
            start = int(len(line) * (1 - self.length) / 2)
            line = line[start : len(line) - start]
            canvas.line(line, class_id, self.width or width)
        return canvas.annotation()

    def _label(self, values: np.ndarray, where: Path) -> np.ndarray:
        classes = len(self.names)
        remedy = 'correct --values or --classes'
        if self.values == 'cityscapes':
            values = train_ids(values, where, remedy)
            return to_label(values, classes, where, remedy=remedy)
        first = int(self.values == 'from-1')
        return to_label(values, classes, where, [0], first, remedy)


def _read_hdf5(path: Path) -> tuple[Any, ...]:
    """Returns image size, line width, (N, P, 2) points and (N,) values."""
    h5py = files.optional_import('h5py')
    try:
        with h5py.File(path, 'r') as file:
            height, width = _dataset(file, 'image_dims')[:2].tolist()
            lines = _dataset(file, 'scribble')
            values = _dataset(file, 'scribble_values')
            config = json.loads(_dataset(file, 'config', 'OS'))
            thickness = int(config['line_thickness'])
        check_option('config', 'line_thickness', thickness, WIDTH)
        if lines.size and (lines.ndim != 3 or lines.shape[2] != 2):
            raise ValueError(f'scribble has the shape {lines.shape}')
        # numpy cannot find the number of columns of no values.
        values = values.reshape(len(lines), -1 if values.size else 1)
        if values.size and (values != values[:, :1]).any():
            raise ValueError('scribble_values differ between channels')
        values = values[:, :1].ravel().astype(np.int64)
    # A RecursionError is a RuntimeError.
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f'{path} cannot be read as scribbles in HDF5 ({error}); fetch it '
            'again.'
        ) from error
    size = files.checked_size(width, height, str(path))
    return size, thickness, lines, values


def _dataset(file: Any, key: str, kinds: str = 'iuf') -> Any:
    """Returns a data set of an `h5py.File`, of one of numpy's `kinds`.

    Raises:
        ValueError: the data set lies in another file, has another type, or
            is too large.
    """
    h5py = files.optional_import('h5py')
    link = file.get(key, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f'there is no {key}')
    dataset = file[key]
    if not isinstance(dataset, h5py.Dataset) or dataset.external:
        raise ValueError(f'{key} is no data set of its own')
    if dataset.nbytes > _MAX_BYTES or dataset.dtype.kind not in kinds:
        raise ValueError(f'{key} is {dataset.dtype} of shape {dataset.shape}')
    return dataset[()]
