"""Writes a report of a training as one HTML file that opens offline.

Start it in the folder where the training was started::

    python tools/report.py WORK_DIR [--gt-dir DIR] [--out report.html]
        [--suggestions DIR]
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path

from mmseg_sesam.cli.arguments import add_gt_suffix, add_jobs, writable_file
from mmseg_sesam.cli.interrupts import interruptible
from mmseg_sesam.io.terminal import hide_warnings


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'work_dir', type=Path, help='folder that tools/train.py wrote'
    )
    parser.add_argument(
        '--gt-dir',
        type=Path,
        help='folder of dense labels of some or all training images, to '
        'measure the pseudo-labels',
    )
    add_gt_suffix(parser)
    parser.add_argument(
        '--out', type=writable_file, help='default: WORK_DIR/report.html'
    )
    parser.add_argument(
        '--no-predictions',
        action='store_true',
        help='do not predict with the latest checkpoint',
    )
    parser.add_argument(
        '--suggestions',
        type=Path,
        help='folder that tools/suggest.py wrote, to show what to label next '
        '(default: WORK_DIR/suggestions, if it is there)',
    )
    add_jobs(parser)
    return parser


@interruptible('report', 'run it again')
def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    hide_warnings()
    from mmseg_sesam.report import build_report

    out = args.out or args.work_dir / 'report.html'
    if out.parent.is_dir() and not os.access(out.parent, os.W_OK):
        parser.error(f'{out.parent} cannot be written to: give another --out')
    try:
        build_report(
            args.work_dir,
            out,
            args.gt_dir,
            tuple(args.gt_suffix),
            not args.no_predictions,
            args.jobs,
            args.suggestions,
        )
    except (OSError, ValueError) as error:
        sys.exit(f'report: {error}')
    print(f'{out}, {out.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
