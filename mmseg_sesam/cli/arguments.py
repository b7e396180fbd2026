"""Arguments of the command line tools.

This module does not import torch, so that a tool answers ``--help`` and
wrong arguments at once.
"""

from __future__ import annotations

import math
import os
from argparse import (
    ArgumentError,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
)
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

from mmengine.config import DictAction

from mmseg_sesam.io.listing import is_empty_or_absent
from mmseg_sesam.io.terminal import hide_warnings

# Files that mmengine reads.
CONFIG_SUFFIXES = ('.py', '.yml', '.yaml', '.json')


def existing_file(path: str) -> str:
    """Argument type: path of an existing file."""
    if not Path(path).is_file():
        raise ArgumentTypeError(
            f'{path} is not a file (looked from {Path.cwd()}): give the path '
            'of an existing one'
        )
    return path


def existing_folder(path: str) -> Path:
    """Argument type: path of an existing folder."""
    if not Path(path).is_dir():
        raise ArgumentTypeError(f'{path} is not a folder')
    return Path(path)


def writable_file(path: str) -> Path:
    """Argument type: path of a file to write, in an existing folder."""
    if not Path(path).parent.is_dir():
        raise ArgumentTypeError(f'{Path(path).parent} is not a folder')
    if Path(path).is_dir():
        raise ArgumentTypeError(
            f'{path} is a folder: give the path of a file to write'
        )
    return Path(path)


def config_file(path: str) -> str:
    """Argument type: path of an existing config."""
    if Path(path).suffix not in CONFIG_SUFFIXES:
        raise ArgumentTypeError(
            f'{path} is no config file, whose name ends in one of '
            f'{", ".join(CONFIG_SUFFIXES)}: give one, such as those in configs'
        )
    return existing_file(path)


def checkpoint(path: str) -> str:
    """Argument type: path of an existing file, or an address."""
    return path if '://' in path else existing_file(path)


def new_folder(path: str) -> Path:
    """Argument type: path of a folder that is empty or does not exist."""
    folder = Path(path)
    if not is_empty_or_absent(folder):
        raise ArgumentTypeError(
            f'{path} is there and not an empty folder, and nothing in it '
            'shall be overwritten: give a new one'
        )
    return folder


def whole(
    noun: str, least: int, most: float = math.inf
) -> Callable[[str], int]:
    """Returns an argument type: a whole number from `least` to `most`.

    Example:
        >>> whole('number of rows', 1)('3')
        3
    """
    expected = f'{least} or more' if most == math.inf else f'{least} to {most}'

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f'{text} is no {noun}: give {expected}')
        return int(text)

    return parse


# Index images hold ids below 255.
number_of_classes = whole('number of classes', 1, 255)


def positive(text: str) -> float:
    """Argument type: a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < math.inf:
        raise ArgumentTypeError(f'{text} is no finite number above 0')
    return value


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of tools that start a Runner."""
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument(
        '--work-dir',
        help='folder of logs and checkpoints (default: work_dir of the '
        'config, else work_dirs/<name of the config>)',
    )
    add_cfg_options(parser)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch.distributed.launch writes it with a dash since torch 2.0.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


class _KeyValues(DictAction):
    """`DictAction` that refuses words it cannot parse."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Sequence[str],
        option_string: str | None = None,
    ) -> None:
        try:
            super().__call__(parser, namespace, values, option_string)
        # No '=' in a word, or brackets that are not closed.
        except (AssertionError, ValueError) as error:
            raise ArgumentError(
                self,
                f'{" ".join(values)} cannot be parsed: give KEY=VALUE each, '
                'with quotes around brackets as in key="[a,b]"',
            ) from error


def add_cfg_options(parser: ArgumentParser) -> None:
    """Adds `--cfg-options`, which override the config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_KeyValues,
        default={},
        metavar='KEY=VALUE',
        help='override the config, e.g. train_dataloader.batch_size=4 '
        'key="[a,b]"',
    )


def add_jobs(parser: ArgumentParser, text: str = 'processes') -> None:
    """Adds `--jobs`, by default one for each core; `text` is its help."""
    parser.add_argument(
        '--jobs',
        type=whole('number of processes', 1),
        default=os.cpu_count(),
        help=text,
    )


def add_gt_suffix(parser: ArgumentParser) -> None:
    """Adds `--gt-suffix`, the ends of names of images and dense labels."""
    parser.add_argument(
        '--gt-suffix',
        nargs=2,
        metavar=('IMAGE', 'GT'),
        default=('', ''),
        help='ends of file names that differ, such as _leftImg8bit '
        '_gtFine_labelTrainIds',
    )


def parse_args(parser: ArgumentParser) -> Namespace:
    """Parses the command line, and ends the program on a wrong launcher.

    Also hides warnings of other packages, and sets LOCAL_RANK.
    """
    args = parser.parse_args()
    hide_warnings()
    local_rank = args.local_rank
    if args.launcher == 'mpi':
        # mmengine reads this variable, and its DDP wrapper LOCAL_RANK.
        local_rank = os.environ.get('OMPI_COMM_WORLD_LOCAL_RANK', local_rank)
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    if args.launcher == 'pytorch' and 'RANK' not in os.environ:
        parser.error(
            '--launcher pytorch needs the environment that torchrun sets: '
            'start the tool with tools/dist_train.sh or tools/dist_test.sh'
        )
    if args.launcher in ('slurm', 'mpi'):
        from mmengine.device import get_device

        if get_device() == 'cpu':
            parser.error(
                f'--launcher {args.launcher} needs a GPU and none was found: '
                'use --launcher pytorch, which also runs on CPUs'
            )
    return args
