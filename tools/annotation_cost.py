"""Computes what annotations cost: hours for images, and images for hours.

    python tools/annotation_cost.py --images 2975
    python tools/annotation_cost.py --hours 40 --rate voc-scribble=25
    python tools/annotation_cost.py --plan 20 --images 400

The table lists each kind of annotation at published rates, or at your own.
With --plan, it says which mix of labels promises most for the hours.
"""

from __future__ import annotations

import sys
import textwrap
from argparse import ArgumentParser, ArgumentTypeError
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from prettytable import PrettyTable

from mmseg_sesam.annotations.cost import (
    CITYSCAPES,
    RATES,
    VOC,
    Rate,
    override,
)
from mmseg_sesam.annotations.mixes import (
    IMAGES,
    RATE_OF_KIND,
    SET,
    Advice,
    Measured,
    best_mix,
    read_measured,
    single_kinds,
)
from mmseg_sesam.cli.arguments import positive, whole
from mmseg_sesam.structures import DENSE

RESULTS = Path(__file__).resolve().parents[1] / 'benchmarks/accuracy/results'


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--images',
        type=whole('number of images', 1),
        help='number of images to annotate',
    )
    parser.add_argument(
        '--hours', type=positive, help='hours of work that you can spend'
    )
    parser.add_argument(
        '--plan',
        type=positive,
        metavar='HOURS',
        help='name the mix of labels that promises most for these hours, by '
        f'measurements on {SET} (--images: number of your images)',
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


def plan_text(
    measured: list[Measured],
    rates: dict[str, Rate],
    hours: float,
    images: int,
) -> str:
    """Returns the best mix for some hours, and what it rests on."""
    advice = best_mix(measured, hours * 3600 / images, rates)
    table = PrettyTable(['measured labels', 'hours', 'mIoU', 'seeds'])
    table.align = 'r'
    table.align['measured labels'] = 'l'
    for row in sorted(measured, key=lambda row: row.seconds(rates)):
        time = row.seconds(rates) * images / 3600
        values = [f'{time:,.1f}', f'{row.miou:.1f}', row.seeds]
        table.add_row([describe(row.shares, images), *values])
    found = {kind for row in measured for kind in row.shares}
    kinds = [kind for kind in RATE_OF_KIND if kind in found]
    best = f'For {hours:g} hours and {images:,} images: '
    if advice is None:
        options = (
            f'{rates[RATE_OF_KIND[kind]].images(hours):,} {kind}'
            for kind in kinds
        )
        best += (
            f'labels of one kind for fewer images ({", ".join(options)}). '
            'Nothing as cheap was measured for so many images, so that nobody '
            'knows which of them is best.'
        )
        best += name_numbers(single_kinds(measured, hours, rates), kinds)
    else:
        time = advice.seconds * images / 3600
        best += (
            f'{describe(advice.shares, images)} ({time:,.1f} hours), '
            f'{promise(advice, images)}. '
            f'{name_cheaper(measured, advice, rates, images)}'
        )
    basis = (
        f'The numbers are of {SET}: {IMAGES} street scenes at half their '
        'size, labels that were simulated, a small network, and superpixels '
        'instead of SAM (docs/accuracy_rows.md). For other images, classes '
        'and networks this is an extrapolation. Differences of a point or '
        'two may be chance.'
    )
    texts = (best, basis, describe_rates(kinds, rates))
    paragraphs = (textwrap.fill(text, 79) for text in texts)
    return '\n\n'.join([str(table), *paragraphs])


def describe_rates(kinds: list[str], rates: dict[str, Rate]) -> str:
    """Returns the rates of a plan by their source, and if they compare."""
    groups = defaultdict(list)
    for kind in kinds:
        rate = rates[RATE_OF_KIND[kind]]
        groups[rate.source].append(f'{kind} {rate.seconds:g} s')
    said = '; '.join(
        f'{", ".join(times)} [{source}]' for source, times in groups.items()
    )
    text = f'Hours are at these rates for an image: {said}. '
    if VOC in groups and rates[RATE_OF_KIND[DENSE]].source == CITYSCAPES:
        # No data set has rates of all kinds.
        dense = rates['voc-full'].seconds
        text += (
            'Rates of different data sets do not compare, and the plan '
            f'changes with them: a dense image of VOC took {dense:g} s '
            f'(--rate {RATE_OF_KIND[DENSE]}={dense:g}). '
        )
    return text + 'Give your own with --rate.'


def name_cheaper(
    measured: list[Measured],
    advice: Advice,
    rates: dict[str, Rate],
    images: int,
) -> str:
    """Returns a sentence on much cheaper labels that are hardly worse."""
    near = [row for row in measured if row.miou >= advice.miou - 1]
    least = min(near, key=lambda row: row.seconds(rates), default=None)
    if least is None or least.seconds(rates) > advice.seconds / 2:
        return ''
    time = least.seconds(rates) * images / 3600
    return (
        f'{describe(least.shares, images)} alone take {time:,.1f} hours and '
        'are within one point of it.'
    )


def name_numbers(rows: dict[str, Measured], kinds: list[str]) -> str:
    """Returns a sentence on the mIoU that numbers of labels gave."""
    said = ', '.join(
        f'{describe(rows[kind].shares, IMAGES)} {rows[kind].miou:.1f}'
        for kind in kinds
        if kind in rows
    )
    if not said:
        return ''
    return (
        f" On {SET}'s {IMAGES} images, labels that take no more hours gave "
        f'this mIoU: {said}.'
    )


def describe(shares: Mapping[str, float], images: int) -> str:
    """Returns the number of images of each kind in words."""
    counts = {kind: round(share * images) for kind, share in shares.items()}
    return ', '.join(f'{n:,} {kind}' for kind, n in counts.items() if n)


def promise(advice: Advice, images: int) -> str:
    """Returns how much a mix promises, in words."""
    if len(advice.between) == 1:
        return f'which has {advice.miou:.1f} mIoU, as measured'
    rows = ' and '.join(describe(r.shares, images) for r in advice.between)
    return (
        f'about {advice.miou:.1f} mIoU. It is interpolated between {rows}, '
        'and the mix itself was not measured'
    )


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    if not (args.images or args.hours or args.plan):
        parser.error('give --images, --hours or both, or --plan')
    if args.hours and args.plan:
        parser.error('--hours and --plan both give hours: give one of them')
    try:
        rates = override(RATES, dict(args.rate))
    except ValueError as error:
        parser.error(str(error))
    if not args.plan:
        print(cost_table(rates, args.images, args.hours))
        return
    try:
        measured = read_measured(RESULTS)
    except OSError as error:
        sys.exit(f'annotation_cost: {error}')
    print(plan_text(measured, rates, args.plan, args.images or IMAGES))


if __name__ == '__main__':
    main()
