"""Computes what annotations cost: hours for images, and images for hours.

    python tools/annotation_cost.py --images 2975
    python tools/annotation_cost.py --hours 40 --rate voc-scribble=25

The table lists each kind of annotation at published rates, or at your own.
"""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError

from prettytable import PrettyTable

from mmseg_sesam.annotations.cost import RATES, Rate, override


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--images', type=amount(int), help='number of images to annotate'
    )
    parser.add_argument(
        '--hours', type=amount(float), help='hours of work that you can spend'
    )
    parser.add_argument(
        '--rate',
        nargs='+',
        action='extend',
        type=named_seconds,
        default=[],
        metavar='KIND=SECONDS',
        help='your own seconds per image; kinds: ' + ', '.join(RATES),
    )
    return parser


def amount(number: type) -> type:
    """Returns a parser of a number above 0."""

    def parse(text: str) -> float:
        value = number(text)
        if not 0 < value < math.inf:
            raise ArgumentTypeError(f'{text} is not above 0 and finite')
        return value

    parse.__name__ = number.__name__
    return parse


def named_seconds(text: str) -> tuple[str, float]:
    kind, _, seconds = text.partition('=')
    try:
        return kind, float(seconds)
    except ValueError:
        raise ArgumentTypeError(
            f'{text!r} is not like voc-scribble=34.9'
        ) from None


def cost_table(
    rates: dict[str, Rate], images: int | None, hours: float | None
) -> PrettyTable:
    """Returns a table with a row for each kind of annotation."""
    columns = {'kind': list(rates)}
    columns['s / image'] = [f'{rate.seconds:g}' for rate in rates.values()]
    if images:
        columns[f'hours for {images:,} images'] = [
            f'{rate.hours(images):,.1f}' for rate in rates.values()
        ]
    if hours:
        bought = [rate.images(hours) for rate in rates.values()]
        columns[f'images in {hours:g} hours'] = [f'{n:,}' for n in bought]
    if images and hours:
        columns['of the images'] = [
            f'{min(n / images, 1):.1%}' for n in bought
        ]
    columns['measured by'] = [rate.source for rate in rates.values()]
    table = PrettyTable()
    for name, values in columns.items():
        text = name in ('kind', 'measured by')
        table.add_column(name, values, align='l' if text else 'r')
    return table


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    if not (args.images or args.hours):
        parser.error('give --images, --hours or both')
    try:
        rates = override(RATES, dict(args.rate))
    except ValueError as error:
        parser.error(str(error))
    print(cost_table(rates, args.images, args.hours))


if __name__ == '__main__':
    main()
