"""Measures the classes' shares of pixels from random pixels that you classify.

    python tools/sample_pixels.py draw IMAGES OUT --classes sky road car
    python tools/sample_pixels.py shares pixels.csv --classes sky road car

The first command writes OUT/page.html: open it in a browser, classify each
pixel by a key, and save pixels.csv. The second one prints each class's share
and its standard error. ClassSharesHook reads the same file.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

import numpy as np
from prettytable import PrettyTable

from mmseg_sesam.annotations.classes import resolve_classes
from mmseg_sesam.annotations.pixel_samples import (
    draw_pixels,
    write_page,
    write_table,
)
from mmseg_sesam.cli.arguments import existing_file, new_folder
from mmseg_sesam.core.class_shares import standard_errors
from mmseg_sesam.io.class_shares import NO_CLASS, count_classified


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest='command', required=True)
    draw = commands.add_parser('draw', help='draw pixels, write their page')
    draw.add_argument('images', type=Path, help='folder of training images')
    draw.add_argument('out', type=new_folder, help='folder to be written')
    draw.add_argument('--number', type=positive, default=300)
    draw.add_argument('--seed', type=int, default=0)
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


def positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(
            f'{text} is no number of pixels: give 1 or more'
        )
    return int(text)


def draw(args: Namespace, classes: tuple[str, ...]) -> None:
    """Writes the page, and a table for those who prefer a spreadsheet."""
    if NO_CLASS in classes:
        raise ValueError(
            f'--classes has {NO_CLASS}, which stands for pixels of no class; '
            'take it out.'
        )
    pixels = draw_pixels(args.images, args.number, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    write_table(args.out / 'pixels.csv', pixels)
    write_page(args.out / 'page.html', args.images, pixels, classes)
    images = len({pixel.image for pixel in pixels})
    print(
        f'{len(pixels)} pixels of {images} images. Open '
        f'{args.out / "page.html"} in a browser, classify them and save the '
        'table; pixels.csv beside it is the same table without classes.'
    )


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
