"""Suggests which training images to label next.

Start it in the folder where the training was started::

    python tools/suggest.py WORK_DIR [OUT] --minutes 30
"""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from mmseg_sesam.annotations.cost import RATES
from mmseg_sesam.annotations.export import WRITERS
from mmseg_sesam.cli.arguments import (
    add_jobs,
    new_folder,
    positive,
    whole,
)
from mmseg_sesam.cli.interrupts import interruptible
from mmseg_sesam.io.names import printable
from mmseg_sesam.io.suggestions import SUGGESTIONS_FOLDER


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'work_dir', type=Path, help='folder that tools/train.py wrote'
    )
    parser.add_argument(
        'out',
        type=new_folder,
        nargs='?',
        help='folder to be written (default: WORK_DIR/suggestions)',
    )
    add_times(parser)
    parser.add_argument(
        '--format',
        nargs='+',
        choices=sorted(WRITERS),
        default=['labelme', 'cvat', 'label-studio'],
        help='formats of the current labels (default: %(default)s)',
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1.0,
        help='distance in pixels by which outlines may move '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--candidates',
        type=whole('number of images', 1),
        help='number of images, drawn at random, among which to choose '
        '(default: all)',
    )
    add_jobs(parser)
    return parser


def add_times(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--minutes', type=positive, required=True, help='time for labelling'
    )
    time = parser.add_mutually_exclusive_group()
    time.add_argument(
        '--kind',
        choices=list(RATES),
        help='published time for one image (default: that of the kind of '
        'most weak labels of the training)',
    )
    time.add_argument(
        '--seconds', type=positive, help='your own time for one image'
    )


@interruptible('suggest', 'run it again, with a new output folder')
def main() -> None:
    parser = make_parser()
    # OUT may follow the options.
    args = parser.parse_intermixed_args()
    out = args.out or default_folder(args.work_dir, parser)
    from mmseg_sesam.suggest import suggest

    try:
        found = suggest(
            args.work_dir,
            out,
            minutes=args.minutes,
            kind=args.kind,
            seconds=args.seconds,
            formats=args.format,
            tolerance=args.tolerance,
            candidates=args.candidates,
            jobs=args.jobs,
        )
    except (OSError, ValueError) as error:
        sys.exit(f'suggest: {error}')
    for one in found['suggestions'][:10]:
        image = printable(one['image'])
        print(f'{one["rank"]}. {image}: {one["reason"]}')
    number = len(found['suggestions'])
    print(f'{number} images, see {out / "suggestions.html"}')
    words = ['python', 'tools/report.py', str(args.work_dir)]
    words += ['--suggestions', str(out)] if args.out else []
    print(f'To see them in the report: {printable(shlex.join(words))}')


def default_folder(work_dir: Path, parser: ArgumentParser) -> Path:
    """Returns the folder for suggestions in a work dir.

    Ends the program if earlier suggestions are in it.
    """
    try:
        return new_folder(str(work_dir / SUGGESTIONS_FOLDER))
    except ArgumentTypeError as error:
        parser.error(f'argument out: {error}')


if __name__ == '__main__':
    main()
