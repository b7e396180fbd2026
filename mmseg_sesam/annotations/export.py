"""Writes label maps as polygons that annotation tools edit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from mmseg_sesam.annotations import writers  # noqa: F401, registers formats
from mmseg_sesam.annotations.classes import to_label
from mmseg_sesam.annotations.outlines import (
    outlines_in_order,
    separate_outlines,
)
from mmseg_sesam.annotations.writer import (
    IGNORED,
    WRITERS,
    AnnotationWriter,
    Drawing,
    key_of,
)
from mmseg_sesam.io.images import image_size
from mmseg_sesam.io.names import check_unique
from mmseg_sesam.io.palettes import voc_colours
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.validators import check_option, number, one_of

# Address of a file of Label Studio's local storage.
LOCAL_FILES = '/data/local-files/?d='


def export(
    images: Sequence[Path],
    labels: Iterable[np.ndarray],
    out: Path,
    format: str,
    tolerance: float = 1.0,
    *,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]] | None = None,
    root: Path | None = None,
    prefix: str | None = None,
) -> list[Path]:
    """Writes labels as polygons, and returns the files.

    The reader of the format gives the labels back, but for pixels within the
    tolerance of an edge between two classes or of unlabelled pixels. With a
    tolerance of 0 it gives the labels themselves. An export that fails
    leaves no file.

    Args:
        images: paths of the images; files name them relative to `root`.
        labels: (H, W) uint8 class ids of each image, 255 = unlabelled; read
            one after the other.
        out: folder to be written, in which none of the files exists.
        format: one of `WRITERS`.
        tolerance: largest distance, in pixels, of a corner that is left out.
            Raise it for fewer corners to move.
        classes: names of the classes in the order of their ids.
        palette: RGB of each class; None for the colours of VOC.
        root: folder of all images; None for the one that they share.
        prefix: beginning of the images' addresses in the format
            label-studio. By default it is that of a local storage below the
            parent of `root`, because Label Studio serves no file that lies
            directly in its document root.

    Raises:
        ValueError: an option is wrong, a file exists, or a label does not
            fit its image or the classes.
        OSError: a file cannot be read or written.
    """
    check_option('export', 'format', format, one_of([*WRITERS]))
    check_option('export', 'tolerance', tolerance, number(at_least=0))
    if prefix is not None and format != 'label-studio':
        raise ValueError(
            f'The format {format} has no addresses of images, and got '
            f'prefix={prefix!r}; leave it out.'
        )
    if not images:
        raise ValueError('There is no image to be exported; give some.')
    if IGNORED in classes:
        raise ValueError(
            f'A class has the name {IGNORED}, which means unlabelled; give '
            'it another name.'
        )
    root = _root_of(images, root)
    names = _relative_names(images, root)
    check_unique(
        zip(map(key_of, names), images), 'would have one label, {name}'
    )
    if prefix is None:
        prefix = f'{LOCAL_FILES}{quote(root.name)}/'
        if format == 'label-studio':
            _check_addresses(root, names)
    colours = (palette or voc_colours())[: len(classes)]
    writer = WRITERS[format](out, classes, colours, prefix)
    files = writer.files(names)
    if existing := next((file for file in files if file.exists()), None):
        raise ValueError(
            f'{existing} exists, and shall not be overwritten; give another '
            'folder.'
        )
    try:
        writer.write(_draw(writer, names, images, labels, tolerance))
    except BaseException:
        # The same call, corrected, would find them in its way.
        for file in files:
            file.unlink(missing_ok=True)
        raise
    return files


def _root_of(images: Sequence[Path], root: Path | None) -> Path:
    """Returns the absolute path of the folder of all images."""
    if root is None:
        paths = map(os.path.abspath, images)
        root = os.path.commonpath([*map(os.path.dirname, paths)])
    # Links stay: Label Studio compares paths as a person gave them.
    return Path(os.path.abspath(root))


def _check_addresses(root: Path, names: Sequence[str]) -> None:
    """Raises ValueError if the address of an image ends as another's name.

    Such an address would be read back as that of the other image.
    """
    keys = set(map(key_of, names))
    if found := next((k for k in keys if f'{root.name}/{k}' in keys), None):
        raise ValueError(
            f'{root} holds the image {found}, and one of the same name in its '
            f'folder {root.name}, so that Label Studio would exchange their '
            'labels; rename this folder.'
        )


def _relative_names(images: Sequence[Path], root: Path) -> list[str]:
    """Returns the paths of images below a folder."""
    paths = [os.path.abspath(path) for path in images]
    names = [Path(os.path.relpath(path, root)).as_posix() for path in paths]
    outside = [name for name in names if name.startswith('../')]
    if outside:
        raise ValueError(
            f'{outside[0]} lies outside of {root}, expected the folder of all '
            'images; give that folder.'
        )
    return names


def _draw(
    writer: AnnotationWriter,
    names: Sequence[str],
    images: Sequence[Path],
    labels: Iterable[np.ndarray],
    tolerance: float,
) -> Iterator[Drawing]:
    outlines_of = outlines_in_order if writer.ordered else separate_outlines
    rows = zip(names, images, labels)
    for name, path, label in Progress(
        rows, desc=writer.name, total=len(names)
    ):
        size = image_size(path)
        if label.shape != size[::-1]:
            raise ValueError(
                f'The label of {path} has {label.shape[1]} x '
                f'{label.shape[0]} pixels, expected the size of the image, '
                f'{size[0]} x {size[1]}; give the label of this image.'
            )
        label = to_label(
            label,
            num_classes=len(writer.classes),
            where=f'The label of {path}',
            remedy='name all classes',
        )
        outlines = outlines_of(label, tolerance)
        yield Drawing(name, Path(path), size, outlines)
