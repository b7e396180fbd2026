"""What the command line tools share: arguments, config, processes."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.device import get_device
from torch import distributed

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
            f'{path} is no config, whose name ends in one of '
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


def add_gt_suffix(parser: ArgumentParser) -> None:
    """Add the argument of tools that find dense labels by their names."""
    parser.add_argument(
        '--gt-suffix',
        nargs=2,
        metavar=('IMAGE', 'GT'),
        default=('', ''),
        help='ends of file names that differ, such as _leftImg8bit '
        '_gtFine_labelTrainIds',
    )


def find_hook(cfg: Config) -> dict:
    """The config of the hook that makes a config's pseudo-labels.

    Raises:
        ValueError: there is none.
    """
    for hook in cfg.get('custom_hooks', []):
        if hook['type'] == 'SAMPseudoLabelHook':
            return hook
    raise ValueError(
        f'{cfg.filename} has no SAMPseudoLabelHook, whose generator makes '
        'the pseudo-labels; give a config that has one'
    )


def parse_args(parser: ArgumentParser) -> Namespace:
    """Parse the command line; end the program if it cannot be launched."""
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.launcher == 'pytorch' and 'RANK' not in os.environ:
        parser.error(
            '--launcher pytorch needs the environment that torchrun sets: '
            'start the tool with tools/dist_train.sh or tools/dist_test.sh'
        )
    if args.launcher in ('slurm', 'mpi') and get_device() == 'cpu':
        parser.error(
            f'--launcher {args.launcher} needs a GPU and none was found: use '
            '--launcher pytorch, which also runs on CPUs'
        )
    return args


def load_config(args: Namespace) -> Config:
    """Read the config and apply the arguments of ``add_arguments``.

    Where ``--launcher pytorch`` meets a machine without an accelerator,
    the processes are connected here, over gloo.
    """
    cfg = Config.fromfile(args.config)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    default_dir = str(Path('work_dirs', Path(args.config).stem))
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or default_dir
    if args.launcher == 'pytorch' and get_device() == 'cpu':
        _connect_cpu_processes(cfg)
    return cfg


def _connect_cpu_processes(cfg: Config) -> None:
    """Do what mmengine's launcher and wrapper do for GPUs only.

    It calls ``torch.cuda.set_device`` before it connects, whatever the
    backend, and gives DDP a device number. SyncBN has no CPU kernel.
    """
    distributed.init_process_group('gloo')
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    cfg.model_wrapper_cfg = dict(wrapper, device_ids=None)
    _use_plain_batch_norm(cfg.model)


def _use_plain_batch_norm(node: Any) -> None:
    if isinstance(node, dict):
        if node.get('type') == 'SyncBN':
            node['type'] = 'BN'
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            _use_plain_batch_norm(child)
