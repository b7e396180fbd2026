"""Measures round 0 against its ceiling, and writes the table.

    python -m benchmarks.selection run --set camvid-point \\
        --segmenter superpixel --data DIR_OF_ALL_DATA_SETS
    python -m benchmarks.selection run --all --data DIR_OF_ALL_DATA_SETS
    python -m benchmarks.selection report

With --all, rows that have a result are skipped: start it again after an
interruption.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

# First of all: on mmcv-lite, mmseg imports after it alone.
import mmseg_sesam  # noqa: F401

# isort: split
from mmengine.registry import init_default_scope

from .images import SETS
from .measure import SEGMENTERS, SIGMAS, measure
from .report import ROWS, load_results, write_report

ROOT = Path(__file__).resolve().parents[2]


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.selection',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        '--results',
        type=Path,
        default=Path(__file__).parent / 'results',
        help='folder of the results, a small JSON file for each row',
    )
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='measure one row, or all')
    which = run.add_mutually_exclusive_group(required=True)
    which.add_argument('--set', choices=SETS)
    which.add_argument(
        '--all', action='store_true', help='rows of the table without a result'
    )
    run.add_argument(
        '--segmenter',
        default='superpixel',
        choices=sorted({*SIGMAS, *(p.stem for p in SEGMENTERS.glob('*.py'))}),
    )
    run.add_argument('--data', type=Path, required=True)
    report = commands.add_parser('report', help='write docs/selection.md')
    report.add_argument('--docs', type=Path, default=ROOT / 'docs')
    return parser


def run(args: argparse.Namespace) -> None:
    """Measures rows, and writes a result for each."""
    init_default_scope('mmseg')
    for name, segmenter in ROWS if args.all else [(args.set, args.segmenter)]:
        result = args.results / f'{name}-{segmenter}.json'
        if result.exists():
            if args.all:
                continue
            sys.exit(
                f'selection: {result} holds the result; remove it first, or '
                'give another folder with --results.'
            )
        try:
            SETS[name].images(args.data)
        except FileNotFoundError as error:
            sys.exit(
                f'selection: {error.filename}, which {name} needs, is '
                'missing; --data is the folder of all data sets.'
            )
        measured = measure(name, segmenter, args.data)
        args.results.mkdir(parents=True, exist_ok=True)
        result.write_text(json.dumps(measured, indent=1) + '\n')
        print(json.dumps(measured), flush=True)


def report(args: argparse.Namespace) -> None:
    """Writes the page from the results that there are."""
    results = load_results(args.results)
    if not results:
        sys.exit(
            f'selection: {args.results} holds no result of a row of the '
            'table; run a row first.'
        )
    args.docs.mkdir(parents=True, exist_ok=True)
    (args.docs / 'selection.md').write_text(write_report(results))


def main() -> None:
    args = make_parser().parse_args()
    {'run': run, 'report': report}[args.command](args)


if __name__ == '__main__':
    main()
