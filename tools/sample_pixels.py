"""Measures the classes' shares of pixels from random pixels that you classify.

    python tools/sample_pixels.py draw IMAGES OUT --classes sky road car
    python tools/sample_pixels.py shares pixels.csv --classes sky road car

The first command writes OUT/page.html: open it in a browser, classify each
pixel by a key, and save pixels.csv. The second one prints each class's share
and its standard error. ClassSharesHook reads the same file.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Callable

import numpy as np
from prettytable import PrettyTable

from mmseg_sesam.annotations.classes import resolve_classes
from mmseg_sesam.annotations.pixel_samples import (
    draw_pixels,
    write_page,
    write_table,
)
from mmseg_sesam.cli.arguments import (
    config_file,
    existing_file,
    new_folder,
    whole,
)
from mmseg_sesam.cli.interrupts import interruptible
from mmseg_sesam.core.class_shares import standard_errors
from mmseg_sesam.io.class_shares import NO_CLASS, count_classified
from mmseg_sesam.io.names import printable


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest='command', required=True)
    draw = commands.add_parser('draw', help='draw pixels, write their page')
    draw.add_argument('images', type=Path, help='folder of training images')
    draw.add_argument('out', type=new_folder, help='folder to be written')
    number = whole('number of pixels', 1)
    draw.add_argument(
        '--number',
        type=number,
        default=300,
        help='pixels to draw (default: %(default)s)',
    )
    draw.add_argument(
        '--seed',
        type=int,
        default=0,
        help='another one draws other pixels (default: %(default)s)',
    )
    draw.add_argument(
        '--config',
        type=config_file,
        help='config of a training whose LoadRGBView shows the images, for '
        'images of other bands or values than 8 bits of RGB',
    )
    shares = commands.add_parser('shares', help='print shares of classes')
    shares.add_argument(
        'table', type=existing_file, help='CSV that the page has saved'
    )
    for command in (draw, shares):
        command.add_argument(
            '--classes',
            nargs='+',
            required=True,
            metavar='NAME',
            help='in the order of their ids, or a data set of mmseg such as '
            'voc',
        )
    return parser


def draw(args: Namespace, classes: tuple[str, ...]) -> None:
    """Writes the page, and a table for those who prefer a spreadsheet."""
    if NO_CLASS in classes:
        raise ValueError(
            f'--classes has {NO_CLASS}, which stands for pixels of no class; '
            'take it out.'
        )
    read = view_reader(args.config) if args.config else None
    pixels = draw_pixels(args.images, args.number, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    # The page first: it fails if an image cannot be shown.
    write_page(args.out / 'page.html', args.images, pixels, classes, read)
    write_table(args.out / 'pixels.csv', pixels)
    images = len({pixel.image for pixel in pixels})
    print(
        f'{len(pixels)} pixels of {images} images. Open '
        f'{args.out / "page.html"} in a browser, classify them and save the '
        'table; pixels.csv beside it is the same table without classes.'
    )


def view_reader(config: str) -> Callable[[Path], np.ndarray]:
    """Returns a function that reads an image as a training shows it.

    Raises:
        ValueError: the training has no view.
    """
    from mmengine.registry import init_default_scope

    from mmseg_sesam.cli.configs import read_config
    from mmseg_sesam.datasets.pipeline_configs import view_of
    from mmseg_sesam.datasets.rgb_view import load_view

    init_default_scope('mmseg')
    steps = view_of(read_config(config))
    if not steps:
        raise ValueError(
            f'{config} has no LoadRGBView in the pipeline of training; leave '
            'out --config, or add that step.'
        )

    def read(path: Path) -> np.ndarray:
        try:
            return load_view(str(path), steps)
        # Loaders raise anything for files that are damaged.
        except Exception as error:
            raise ValueError(
                f'{printable(path)} cannot be loaded by the pipeline of '
                f'{config} ({error}); replace it, or take it out of the '
                'folder.'
            ) from error

    return read


def share_table(counts: np.ndarray, classes: tuple[str, ...]) -> PrettyTable:
    """Returns a row for each class, in percent."""
    shares = counts / counts.sum()
    table = PrettyTable(['class', 'pixels', 'share, %', 'standard error'])
    table.align = 'r'
    table.align['class'] = 'l'
    for name, *row in zip(classes, counts, shares, standard_errors(counts)):
        count, share, error = row
        table.add_row(
            [name, count, f'{100 * share:.1f}', f'{100 * error:.1f}']
        )
    return table


def main() -> None:
    args = make_parser().parse_args()
    try:
        classes, _ = resolve_classes(args.classes)
        if args.command == 'draw':
            with interruptible(
                'sample_pixels', 'remove the output folder and run it again'
            ):
                draw(args, classes)
            return
        counts, others = count_classified(args.table, classes)
    except (OSError, ValueError) as error:
        sys.exit(f'sample_pixels: {error}')
    print(share_table(counts, classes))
    if others:
        print(f'{others} further pixels show no class.')


if __name__ == '__main__':
    main()
