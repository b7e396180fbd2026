"""Trains a row of the comparison, and writes the tables.

    python -m benchmarks.accuracy run sesam-scribble --data ../shared/data
    python -m benchmarks.accuracy report

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
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from .report import draw_budget, load_results, write_report
from .rows import ROWS
from .score import score_run
from .setting import ROOT, SEGMENTERS, SUPERPIXEL, make_config


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
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='train a row, or go on with it')
    run.add_argument('row', choices=ROWS, metavar='ROW')
    run.add_argument('--data', type=Path, required=True)
    run.add_argument('--seed', type=int, default=0)
    run.add_argument('--steps', type=int, default=800)
    run.add_argument('--out', type=Path, default=Path('work_dirs/accuracy'))
    report = commands.add_parser('report', help='write docs/accuracy.md')
    report.add_argument('--steps', type=int, default=800)
    report.add_argument('--docs', type=Path, default=ROOT / 'docs')
    return parser


def run(args: argparse.Namespace) -> None:
    """Trains a row, or goes on with it, and writes its result."""
    label = f'{args.row}-{args.segmenter}-s{args.steps}-seed{args.seed}'
    result = args.results / f'{label}.json'
    if result.exists():
        sys.exit(f'accuracy: {result} holds the result; remove it first.')
    if not (args.data / 'camvid').is_dir():
        sys.exit(
            f'accuracy: {args.data} holds no folder camvid; --data is the '
            'folder that does, see docs/accuracy.md.'
        )
    work_dir = args.out / label
    saved = work_dir / 'row.py'
    if not saved.exists():
        work_dir.mkdir(parents=True, exist_ok=True)
        row = ROWS[args.row]
        cfg = make_config(
            row, args.segmenter, args.seed, args.steps, args.data, work_dir
        )
        cfg.dump(saved)
    cfg = Config.fromfile(saved)
    cfg.resume = True
    runner = Runner.from_cfg(cfg)
    # Convolutions on a CPU are a third faster for it.
    runner.model.to(memory_format=torch.channels_last)
    runner.train()
    record = dict(
        row=args.row,
        segmenter=args.segmenter,
        seed=args.seed,
        steps=args.steps,
        class_weight=list(cfg.model.decode_head.loss_decode.class_weight),
        **score_run(work_dir, args.data),
    )
    args.results.mkdir(exist_ok=True)
    result.write_text(json.dumps(record, indent=1) + '\n')


def report(args: argparse.Namespace) -> None:
    """Writes the page and the plot from the results that there are."""
    results = load_results(args.results, args.segmenter, args.steps)
    if not results:
        sys.exit(
            f'accuracy: {args.results} holds no result of {args.segmenter} '
            f'after {args.steps} steps; run a row first.'
        )
    template = Path(__file__).with_name('template.md').read_text()
    (args.docs / 'images').mkdir(parents=True, exist_ok=True)
    (args.docs / 'accuracy.md').write_text(write_report(results, template))
    draw_budget(results, args.docs / 'images' / 'accuracy.png')


def main() -> None:
    args = make_parser().parse_args()
    {'run': run, 'report': report}[args.command](args)


if __name__ == '__main__':
    main()
