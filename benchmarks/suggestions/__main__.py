"""Labels a data set in rounds, as suggested or at random, and trains in each.

    python -m benchmarks.suggestions --results my_results run voc suggest \
        --seed 0 --data DIR_OF_ALL_DATA_SETS
    python -m benchmarks.suggestions --results my_results run voc random \
        --seed 0 --data DIR_OF_ALL_DATA_SETS
    python -m benchmarks.suggestions --results my_results report

Some of the training images are drawn at random first, the same ones for both
strategies; each further round labels as many again. A round that has a result
is not made again, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# First of all: on mmcv-lite, mmseg imports after it alone.
import mmseg_sesam  # noqa: F401

# isort: split
from benchmarks.accuracy import metric  # noqa: F401, registers its metric

from .loop import SETTINGS, STRATEGIES, run_rounds
from .report import load_results, write_table


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.suggestions',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        '--results',
        type=Path,
        default=Path(__file__).parent / 'results',
        help='folder of the results, a small JSON file for each round',
    )
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='label and train, or go on with it')
    run.add_argument('set', choices=SETTINGS)
    run.add_argument('strategy', choices=STRATEGIES)
    run.add_argument('--data', type=Path, required=True)
    run.add_argument('--seed', type=int, default=0)
    run.add_argument('--rounds', type=int, default=3)
    run.add_argument('--out', type=Path, default=Path('work_dirs/suggestions'))
    run.add_argument(
        '--steps', type=int, help='of each training; default: of the set'
    )
    commands.add_parser('report', help='print the tables in Markdown')
    return parser


def run(args: argparse.Namespace) -> None:
    """Runs the rounds of one strategy and seed."""
    if not (args.data / args.set).is_dir():
        sys.exit(
            f'suggestions: {args.data} holds no folder {args.set}; --data is '
            'the folder that does, see docs/accuracy_rows.md.'
        )
    steps = args.steps or SETTINGS[args.set].steps
    try:
        run_rounds(
            name=args.set,
            strategy=args.strategy,
            seed=args.seed,
            rounds=args.rounds,
            steps=steps,
            data=args.data,
            out=args.out,
            results=args.results,
        )
    except FileNotFoundError as error:
        sys.exit(f'suggestions: {error}')


def report(args: argparse.Namespace) -> None:
    results = load_results(args.results)
    if not results:
        sys.exit(f'suggestions: {args.results} holds no result; run first.')
    for (name, steps), runs in results.items():
        print(f'{SETTINGS[name].data_set.title}, {steps} steps:\n')
        print(write_table(runs), '\n')


def main() -> None:
    args = make_parser().parse_args()
    {'run': run, 'report': report}[args.command](args)


if __name__ == '__main__':
    main()
