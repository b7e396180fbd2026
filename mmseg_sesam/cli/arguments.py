"""Arguments that the command line tools share.

Nothing here imports torch: a tool answers ``--help`` and a wrong argument
at once, and imports what it works with afterwards.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from mmengine.config import DictAction

from mmseg_sesam.io.terminal import hide_warnings

# What mmengine reads.
CONFIG_SUFFIXES = ('.py', '.yml', '.yaml', '.json')


def existing_file(path: str) -> str:
    """Argument type: the path of a file, checked at once."""
    if not Path(path).is_file():
        raise ArgumentTypeError(
            f'{path} is not a file (looked from {Path.cwd()}): give the path '
            'of an existing one'
        )
    return path


def config_file(path: str) -> str:
    """Argument type: the path of a config, checked at once."""
    if Path(path).suffix not in CONFIG_SUFFIXES:
        raise ArgumentTypeError(
            f'{path} is no config file, whose name ends in one of '
            f'{", ".join(CONFIG_SUFFIXES)}: give one, such as those in configs'
        )
    return existing_file(path)


def checkpoint(path: str) -> str:
    """Argument type: the path of a file, or an address mmengine can load."""
    return path if '://' in path else existing_file(path)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of every tool that starts a Runner."""
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument(
        '--work-dir',
        help='folder of logs and checkpoints (default: work_dir of the '
        'config, else work_dirs/<name of the config>)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override the config, e.g. train_dataloader.batch_size=4 '
        'key="[a,b]"',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch.distributed.launch writes it with a dash since torch 2.0.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def add_suffix(parser: ArgumentParser, kind: str, example: str) -> None:
    """Add the argument of tools that find labels by their names.

    Args:
        parser: of the tool.
        kind: of labels, 'gt' or 'weak'.
        example: of how their names end.
    """
    parser.add_argument(
        f'--{kind}-suffix',
        nargs=2,
        metavar=('IMAGE', kind.upper()),
        default=('', ''),
        help=f'ends of file names that differ, such as _leftImg8bit {example}',
    )


def parse_args(parser: ArgumentParser) -> Namespace:
    """Parse the command line; end the program if it cannot be launched.

    From here on, warnings of other packages are not shown.
    """
    args = parser.parse_args()
    hide_warnings()
    local_rank = args.local_rank
    if args.launcher == 'mpi':
        # mmengine reads it, and its wrapper of the model LOCAL_RANK.
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
