"""Writes pseudo-labels or predictions as polygons to be corrected by hand.

The labels are the newest round of a training, or a folder of index PNGs::

    python tools/export_annotations.py WORK_DIR OUT --format labelme
    python tools/export_annotations.py PNG_DIR OUT --format cvat \\
        --images IMAGES --classes cat dog
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.annotations import READERS
from mmseg_sesam.annotations.export import LOCAL_FILES, export
from mmseg_sesam.annotations.writer import WRITERS
from mmseg_sesam.cli.arguments import existing_folder
from mmseg_sesam.cli.interrupts import interruptible
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.store.store import STORE_NAME


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'source',
        type=existing_folder,
        help='work dir of a training, or folder of index PNGs',
    )
    parser.add_argument('out', type=Path, help='folder to be written')
    parser.add_argument('--format', choices=sorted(WRITERS), required=True)
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1.0,
        help='distance in pixels by which outlines may move; more leaves '
        'fewer corners to correct (default: %(default)s)',
    )
    parser.add_argument(
        '--images',
        type=existing_folder,
        help='folder of the images, for a folder of PNGs',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        help='names of the classes in the order of their ids, or a data set '
        'such as voc, for a folder of PNGs',
    )
    parser.add_argument(
        '--prefix',
        help='beginning of the addresses of images for label-studio '
        f'(default: {LOCAL_FILES}IMAGES/ with the name of the folder of all '
        'images)',
    )
    return parser


def check_arguments(parser: ArgumentParser, args: Namespace) -> bool:
    """Returns whether the source is a work dir."""
    is_run = (args.source / STORE_NAME).is_dir()
    for name in ('images', 'classes'):
        given = getattr(args, name) is not None
        if given and is_run:
            parser.error(
                f'--{name} is for a folder of PNGs, and {args.source} is a '
                'work dir, whose config names them'
            )
        if not given and not is_run:
            parser.error(
                f'{args.source} has no {STORE_NAME}, so it is read as a '
                f'folder of PNGs, which needs --{name}'
            )
    return is_run


def read_run_labels(
    work_dir: Path,
) -> tuple[Sequence[Path], Iterable[np.ndarray], dict[str, Any]]:
    """Returns the images of a run, their labels, and options of `export`."""
    from mmseg_sesam.report.images import RunImages
    from mmseg_sesam.report.run import read_run

    run = read_run(work_dir)
    if run.store is None or run.store.current is None:
        raise ValueError(
            f'{work_dir} has no published round of pseudo-labels; give the '
            'work dir of a training that has begun.'
        )
    images = RunImages(run)
    # A data set of several parts may list an image twice.
    keys = dict(zip(images.keys, map(Path, images.paths)))
    labels = (run.store.read(key, run.store.current) for key in keys)
    names = dict(
        classes=images.classes, palette=images.palette, root=images.folder
    )
    return [*keys.values()], labels, names


def read_folder_labels(
    folder: Path, images: Path, classes: Sequence[str]
) -> tuple[Sequence[Path], Iterable[np.ndarray], dict[str, Any]]:
    """Returns images, the labels of a folder, and options of `export`."""
    reader = READERS['index-png'](folder, images=images, classes=classes)
    try:
        items, missing = reader.items()
    except FileNotFoundError as error:
        raise ValueError(
            f'{folder} holds no PNG or TIFF files; give the folder of the '
            'labels.'
        ) from error
    if missing:
        raise ValueError(
            f'{folder}: {len(missing)} of {len(items) + len(missing)} labels '
            f'have no image in {images}, such as {missing[0].source}, '
            'expected an image with the same relative path for each; give '
            'the right folders.'
        )
    return (
        [item.image for item in items],
        # Errors of `reader.read` name options that this tool does not have.
        (read_label(item.source) for item in items),
        dict(classes=reader.names, palette=reader.palette, root=images),
    )


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    is_run = check_arguments(parser, args)
    try:
        with interruptible('export_annotations', 'run it again'):
            images, labels, names = (
                read_run_labels(args.source)
                if is_run
                else read_folder_labels(args.source, args.images, args.classes)
            )
            files = export(
                images,
                labels,
                out=args.out,
                format=args.format,
                tolerance=args.tolerance,
                prefix=args.prefix,
                **names,
            )
    except (OSError, ValueError) as error:
        sys.exit(f'export_annotations: {error}')
    print(f'{len(images)} images in {len(files)} files: {files[0]}')


if __name__ == '__main__':
    main()
