"""Trains a row of the comparison, and writes the tables.

    python -m benchmarks.accuracy run sesam-scribble --data DIR
    python -m benchmarks.accuracy run sesam-point --set voc --data DIR
    python -m benchmarks.accuracy report
    python -m benchmarks.accuracy pictures RUN DENSE_RUN --data DIR

A run that was interrupted goes on from its last checkpoint; one that is
finished is not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

# First of all: on mmcv-lite, mmseg imports after it alone.
import mmseg_sesam  # noqa: F401

# isort: split
from mmengine.runner import Runner

from mmseg_sesam.report.run import read_run

from . import metric  # noqa: F401, registers BenchmarkMetric
from .mixes import count_labels
from .pictures import draw_predictions, draw_rounds
from .plots import draw_budget, draw_watch, watched_runs
from .report import load_results, write_report
from .rows import ROWS, WEIGHED
from .score import score_run
from .sets import ALL_SETS, SETS
from .setting import (
    ROOT,
    SEGMENTERS,
    SUPERPIXEL,
    clicks_of,
    saved_config,
)
from .watch import WatchHook


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.accuracy',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        '--results',
        type=Path,
        default=Path(__file__).parent / 'results',
        help='folder of the results, a small JSON file for each run',
    )
    parser.add_argument(
        '--segmenter',
        default=SUPERPIXEL,
        choices=sorted(path.stem for path in SEGMENTERS.glob('*.py')),
        help='what makes the pseudo-labels',
    )
    steps = ', '.join(f'{one.steps} for {name}' for name, one in SETS.items())
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='train a row, or go on with it')
    run.add_argument('row', metavar='ROW', help="'full', or as 'sesam-point'")
    run.add_argument('--seed', type=int, default=0)
    run.add_argument('--steps', type=int, help=f'default: {steps}')
    run.add_argument('--out', type=Path, default=Path('work_dirs/accuracy'))
    run.add_argument(
        '--watch',
        type=int,
        nargs='?',
        const=50,
        metavar='STEPS',
        help='measure every 50 or so many steps what is learned from right '
        'and from wrong labels',
    )
    report = commands.add_parser(
        'report', help='write the pages and plots in docs'
    )
    report.add_argument('--steps', type=int, help=f'default: {steps}')
    pictures = commands.add_parser(
        'pictures', help='draw pseudo-labels and predictions of a data set'
    )
    pictures.add_argument(
        'sesam', type=Path, metavar='RUN', help='folder of a run of SeSAM'
    )
    pictures.add_argument(
        'dense',
        type=Path,
        metavar='DENSE_RUN',
        help='folder of a run with dense labels',
    )
    for command in (run, pictures):
        command.add_argument('--set', choices=ALL_SETS, default='camvid')
        command.add_argument('--data', type=Path, required=True)
    for command in (report, pictures):
        command.add_argument('--docs', type=Path, default=ROOT / 'docs')
    return parser


def run(args: argparse.Namespace) -> None:
    """Trains a row, or goes on with it, and writes its result."""
    data_set, rows = ALL_SETS[args.set], ROWS[args.set]
    if args.row not in rows:
        sys.exit(
            f'accuracy: {args.set} has no row {args.row}, expected one of '
            f'{", ".join(rows)}.'
        )
    if args.watch and rows[args.row].mix is not None:
        sys.exit(
            f'accuracy: --watch measures rows of one kind of labels, and '
            f'{args.row} mixes several; leave --watch out.'
        )
    steps = args.steps or data_set.steps
    label = f'{args.set}-{args.row}-{args.segmenter}-s{steps}-seed{args.seed}'
    result = args.results / f'{label}.json'
    if result.exists():
        sys.exit(
            f'accuracy: {result} holds the result; remove it first, or '
            'give another folder with --results.'
        )
    folder, *_ = Path(data_set.dense).parts
    for name in (folder, *clicks_of(data_set, rows[args.row])):
        if not (args.data / name).exists():
            sys.exit(
                f'accuracy: {args.data} holds no {name}; --data is the '
                'folder that does, see docs/accuracy_rows.md.'
            )
    work_dir = args.out / label
    cfg = saved_config(
        work_dir,
        data_set=data_set,
        row=rows[args.row],
        segmenter=args.segmenter,
        seed=args.seed,
        steps=steps,
        data=args.data,
    )
    runner = Runner.from_cfg(cfg)
    if args.watch:
        runner.register_hook(WatchHook(args.data / data_set.dense, args.watch))
    runner.train()
    labels = count_labels(args.row, rows[args.row].mix, cfg.images)
    record = dict(
        set=args.set,
        row=args.row,
        segmenter=args.segmenter,
        seed=args.seed,
        steps=steps,
        images=cfg.images,
        # Budgets show the best training with the same labels.
        labels={} if args.row in WEIGHED else labels,
        class_weight=cfg.model.decode_head.loss_decode.get('class_weight'),
        **score_run(data_set, work_dir, args.data),
    )
    args.results.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(record, indent=1) + '\n')


def report(args: argparse.Namespace) -> None:
    """Writes the pages and the plots from the results that there are."""
    results = {
        name: found
        for name, one in ALL_SETS.items()
        if (
            found := load_results(
                args.results, name, args.segmenter, args.steps or one.steps
            )
        )
    }
    if not results:
        sys.exit(
            f'accuracy: {args.results} holds no result of {args.segmenter} '
            f'after {args.steps or "the default"} steps; run a row first.'
        )
    (args.docs / 'images').mkdir(parents=True, exist_ok=True)
    for name, page in write_report(results, args.segmenter).items():
        (args.docs / name).write_text(page)
    camvid, images = results.get('camvid', {}), args.docs / 'images'
    draw_budget(camvid, images / 'accuracy.png')
    if watched := watched_runs(camvid):
        draw_watch(watched, images / 'accuracy_watch.png')


def pictures(args: argparse.Namespace) -> None:
    """Draws what SeSAM gets wrong, and dense labels do not."""
    try:
        sesam, dense = read_run(args.sesam), read_run(args.dense)
    except FileNotFoundError as error:
        sys.exit(f'accuracy: {error}')
    if sesam.store is None:
        sys.exit(
            f'accuracy: {args.sesam} has no pseudo-labels, expected a run of '
            'SeSAM as RUN; give the run with dense labels as DENSE_RUN.'
        )
    for one in (sesam, dense):
        if one.checkpoint is None:
            sys.exit(
                f'accuracy: {one.work_dir} holds no checkpoint; train the row '
                'to its end first.'
            )
    labels = args.data / ALL_SETS[args.set].dense
    if not labels.is_dir():
        sys.exit(
            f'accuracy: {args.data} holds no {ALL_SETS[args.set].dense}; '
            '--data is the folder that does, see docs/accuracy_rows.md.'
        )
    images = args.docs / 'images'
    images.mkdir(parents=True, exist_ok=True)
    draw_rounds(sesam, labels, images / f'accuracy_{args.set}_rounds.png')
    out = images / f'accuracy_{args.set}_predictions.png'
    draw_predictions(dense, sesam, out)


def main() -> None:
    args = make_parser().parse_args()
    commands = dict(run=run, report=report, pictures=pictures)
    commands[args.command](args)


if __name__ == '__main__':
    main()
