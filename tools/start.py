"""Plans a training from images and annotations, and trains with --run.

    python tools/start.py IMAGES ANNOTATIONS --out work_dirs/pets
    python tools/start.py IMAGES ANNOTATIONS --out work_dirs/pets --run
    python tools/start.py IMAGES ANNOTATIONS --corrected to_label/labelme \\
        --out work_dirs/pets2 --run

Finds the format of the annotations, converts them into OUT/labels, checks
them, splits the images, and writes a config into OUT with a reason behind
each number. Prints the plan, and the commands that convert, check and train
by hand.
"""

from __future__ import annotations

import re
import shlex
import sys
from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    RawDescriptionHelpFormatter,
)
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg_sesam.annotations import READERS, ConversionError
from mmseg_sesam.cli.arguments import add_jobs, existing_folder, positive
from mmseg_sesam.cli.interrupts import interruptible, run_command
from mmseg_sesam.io.terminal import hide_warnings

ROOT = Path(__file__).resolve().parents[1]
CONVERTER = 'tools/convert_annotations.py'


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ArgumentTypeError(f'{text} is not at least 0 and below 1')
    return value


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'images', type=existing_folder, help='folder of the images'
    )
    parser.add_argument(
        'annotations', type=Path, help='file or folder of the annotations'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/start'),
        help='folder for labels, lists, config and run (default: %(default)s)',
    )
    add_annotations(parser)
    add_validation(parser)
    parser.add_argument(
        '--minutes',
        type=positive,
        help='about how long the training may take (default: by the number '
        'of images)',
    )
    add_jobs(parser)
    parser.add_argument(
        '--run', action='store_true', help='train, and write the report'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=(),
        metavar='KEY=VALUE',
        help='with --run: override the config, as in tools/train.py',
    )
    return parser


def add_annotations(parser: ArgumentParser) -> None:
    """Adds the options of reading annotations."""
    parser.add_argument(
        '--format',
        choices=['auto', *sorted(READERS)],
        default='auto',
        help='format of the annotations (default: it is found); those of '
        '--val and --corrected may have another one',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        default=(),
        help='names of the classes in the order of their ids (default: those '
        'in the annotations)',
    )
    parser.add_argument(
        '--unlabelled',
        nargs='+',
        default=(),
        metavar='LABEL',
        help='labels that mean unlabelled: names, or values of index images. '
        'Images without an annotation are unlabelled anyway',
    )
    parser.add_argument(
        '--corrected',
        nargs='+',
        type=Path,
        default=(),
        metavar='DIR',
        help='corrected annotations of some images, such as tools/suggest.py '
        'writes them, in the place of those in ANNOTATIONS',
    )


def add_validation(parser: ArgumentParser) -> None:
    """Adds the options of the validation."""
    val = parser.add_mutually_exclusive_group()
    val.add_argument(
        '--val',
        type=Path,
        help='file or folder of dense annotations for validation, of images '
        'beside them or in IMAGES; images beside label images are no photos',
    )
    val.add_argument(
        '--val-share',
        type=share,
        help='share of the labelled images to hold back for validation, in '
        'blocks of neighbours; 0 for none (default: 0.15 of 10 or more '
        'images, without --val)',
    )


def check_not_trained(out: Path, options: Sequence[str]) -> None:
    """Ends the program if a folder has a training already."""
    from mmseg_sesam.engine.work_dir import latest_checkpoint

    if latest_checkpoint(out / 'run'):
        config = out / f'{out.resolve().name}.py'
        sys.exit(
            f'start: {out / "run"} holds the checkpoints of an earlier '
            'training, and nothing was written; give another --out, or '
            f'continue that training with `{resume_command(config, options)}`.'
        )


def resume_command(config: Path, options: Sequence[str]) -> str:
    """Returns the command that continues a training, or starts it."""
    words = ['python', 'tools/train.py', str(config), '--resume']
    return shlex.join([*words, *override(options)])


def override(options: Sequence[str]) -> list[str]:
    """Returns the arguments of tools/train.py that override a config."""
    return ['--cfg-options', *options] if options else []


def check(config: Path, jobs: int) -> None:
    """Ends the program if images or labels have errors."""
    from mmengine.config import Config

    from mmseg_sesam.datasets.validation import validate_datasets

    report = validate_datasets(Config.fromfile(config), jobs)
    print(report)
    if report.number('error'):
        sys.exit('start: correct the errors above, and run again.')


def train(args: dict[str, Any], config: Path, options: Sequence[str]) -> None:
    """Trains, and writes the report."""
    remedy = f'`{resume_command(config, options)}` continues the training'
    run_tool('train.py', config, *override(options), remedy=remedy)
    run = args['out'] / 'run'
    command = shlex.join(['python', 'tools/report.py', str(run)])
    remedy = f'`{command}` writes the report'
    run_tool('report.py', run, '--jobs', args['jobs'], remedy=remedy)


def run_tool(name: str, *words: object, remedy: str) -> None:
    """Runs a tool; ends the program if it fails or is interrupted."""
    command = [sys.executable, str(ROOT / 'tools' / name), *map(str, words)]
    if status := run_command(command, 'start', remedy):
        sys.exit(status)


def explain(parser: ArgumentParser, error: Exception) -> str:
    """Returns an error, and says where options are that another tool has."""
    lines = [str(error)]
    if isinstance(error, ConversionError):
        lines = error.lines()
    text = '\n'.join(f'start: {line}' for line in lines)
    other = {*re.findall(r'--[a-z-]+', text)}
    other -= {*re.findall(r'--[a-z-]+', parser.format_usage())}
    if other and CONVERTER not in text:
        text += (
            f' Only {CONVERTER} has {", ".join(sorted(other))}: convert the '
            'annotations with it, and give its folder.'
        )
    return text


def main() -> None:
    parser = make_parser()
    args = vars(parser.parse_args())
    hide_warnings()
    run, options = args.pop('run'), args.pop('cfg_options')
    if options and not run:
        parser.error('--cfg-options acts on a training: give --run, too')
    for name in ('classes', 'unlabelled', 'corrected'):
        args[name] = tuple(args[name])
    check_not_trained(args['out'], options)
    from mmseg_sesam.start.show import plan_text
    from mmseg_sesam.start.start import Request, prepare

    try:
        with interruptible('start'):
            start = prepare(Request(**args), ROOT / 'configs/_base_')
            check(start.config, args['jobs'])
    except (ValueError, OSError) as error:
        sys.exit(explain(parser, error))
    print(plan_text(start))
    if run:
        train(args, start.config, options)


if __name__ == '__main__':
    main()
