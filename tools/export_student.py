"""Exports a trained student as a plain checkpoint and config of mmseg.

Neither needs this package: OUT.pth holds the student's weights under stock
names, and OUT.py the stock model with its test pipeline::

    python tools/export_student.py CONFIG CHECKPOINT OUT.pth [--half]

OUT.py imports this package only where no stock class does the same, as for
test images of a `MappedSegDataset`; the last line of the output says so.
`LoadRGBView` is left out: for overlays of images with other bands, give
tools/predict.py the config of the training.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from mmseg_sesam.cli.arguments import config_file, existing_file
from mmseg_sesam.io.terminal import hide_warnings


def new_checkpoint(text: str) -> Path:
    """Argument type: path of a .pth that does not exist."""
    path = Path(text)
    if path.suffix != '.pth' or not path.parent.is_dir():
        raise ArgumentTypeError(
            f'{text} is no file name ending in .pth in a folder that is there'
        )
    for one in (path, path.with_suffix('.py')):
        if one.exists():
            raise ArgumentTypeError(
                f'{one} is there already, and shall not be overwritten: give '
                'another name'
            )
    return path


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', type=config_file)
    parser.add_argument('checkpoint', type=existing_file)
    parser.add_argument('out', type=new_checkpoint, help='a new .pth file')
    parser.add_argument(
        '--teacher',
        action='store_true',
        help="take the EMA teacher's weights instead of the student's",
    )
    parser.add_argument(
        '--half',
        action='store_true',
        help='store 16 bits a weight; they are loaded as 32',
    )
    return parser


def main() -> None:
    args = make_parser().parse_args()
    hide_warnings()
    from mmseg_sesam.cli.configs import read_config
    from mmseg_sesam.models.export import export

    try:
        own, added = export(
            read_config(args.config, None, 'model'),
            args.checkpoint,
            args.out,
            args.teacher,
            args.half,
        )
    except ValueError as error:
        sys.exit(f'export_student: {error}')
    size = args.out.stat().st_size / 1e6
    before = Path(args.checkpoint).stat().st_size / 1e6
    config = args.out.with_suffix('.py')
    print(f'{args.out}, {size:.1f} MB (was {before:.1f}), and {config}')
    if added:
        print(
            f'The weights of {", ".join(added)} are left out: EncoderDecoder '
            'has no such modules.'
        )
    if own:
        print(
            f'{config} needs mmseg_sesam for {", ".join(own)}; mmseg alone '
            'can use it with another class there.'
        )


if __name__ == '__main__':
    main()
