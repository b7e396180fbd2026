"""Config and processes of the tools, once their arguments are read.

torch is imported where it is used: an error in a config is reported before
the seconds that the import takes.
"""

from __future__ import annotations

import gc
import os
import pickle
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from mmengine.config import Config

from mmseg_sesam.cli.configs import read_config, set_work_dir
from mmseg_sesam.compat import loads_safely
from mmseg_sesam.extras import install_command
from mmseg_sesam.io.locks import lock_folder
from mmseg_sesam.type_names import type_name

if TYPE_CHECKING:
    from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator

# Names of the registry and of torch.
_SYNCHRONISED = ('SyncBN', 'SyncBatchNorm')
# Environment variables of the rank, read before processes are connected.
_RANK = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


def find_hook(cfg: Config) -> dict:
    """Returns the config of SAMPseudoLabelHook; ValueError without one."""
    from mmseg_sesam.config_checks.training import round_hooks

    hooks = round_hooks(cfg)
    if not hooks:
        raise ValueError(
            f'{cfg.filename} has no SAMPseudoLabelHook, whose generator makes '
            'the pseudo-labels; give a config that has one'
        )
    return hooks[0]


def build_generator(cfg: Config) -> PseudoLabelGenerator:
    """Builds the generator of a config's hook, on the best device.

    A segmenter base has a generator and no hooks.

    Raises:
        ValueError: there is none, or the config is not that of a generator.
    """
    from mmengine.device import get_device
    from mmseg.registry import TASK_UTILS

    is_base = 'generator' in cfg and 'default_hooks' not in cfg
    owner = cfg if is_base else find_hook(cfg)
    try:
        generator = TASK_UTILS.build(owner['generator'])
    except (ImportError, KeyError, TypeError) as error:
        # str() of a KeyError adds quotes.
        text = ' '.join(' '.join(map(str, error.args)).split()).rstrip('.')
        raise ValueError(
            f'{cfg.filename} has a generator that cannot be built '
            f'({type(error).__name__}: {text}): correct it, or install what '
            'is missing'
        ) from error
    generator.segmenter.to(get_device())
    return generator


def drop_hook(cfg: Config) -> None:
    """Removes SAMPseudoLabelHook, which would load a segmenter's weights."""
    from mmseg_sesam.config_checks.training import is_round_hook

    hooks = cfg.get('custom_hooks') or []
    cfg.custom_hooks = [hook for hook in hooks if not is_round_hook(hook)]
    named = cfg.get('default_hooks') or {}
    for name in [n for n, hook in named.items() if is_round_hook(hook)]:
        del named[name]


def load_config(args: Namespace, *parts: str) -> Config:
    """Returns the config with the arguments of `add_arguments` applied.

    With a launcher all processes train with the BatchNorm buffers of the main
    one. With `--launcher pytorch` on a machine without an accelerator it
    connects the processes over gloo.

    Raises:
        ValueError: the config cannot be read, or lacks one of `parts`.
    """
    cfg = read_config(args.config, args.cfg_options, *parts)
    cfg.launcher = args.launcher
    set_work_dir(cfg, args.work_dir)
    if args.launcher != 'none':
        # torch's DistributedDataParallel uses it and does not import it.
        import torch._dynamo.utils  # noqa: F401

        # mmengine's default lets running means of processes drift apart where
        # a layer is not SyncBN; torch's copies buffers in each step.
        cfg.model_wrapper_cfg = cfg.get('model_wrapper_cfg') or dict(
            type='MMDistributedDataParallel',
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    if args.launcher == 'pytorch':
        from mmengine.device import get_device

        if get_device() == 'cpu':
            _connect_cpu_processes(cfg)
    return cfg


def disconnect_processes() -> None:
    """Disconnects from the other processes, once all work is done.

    Threads of an open connection may abort Python at its end.
    """
    from torch import distributed

    if distributed.is_initialized():
        # Cycles of Runner, hooks and model hold the group and its threads.
        gc.collect()
        distributed.destroy_process_group()


def lock_work_dir(cfg: Config) -> AbstractContextManager:
    """Locks the work dir; ValueError if another run trains in it."""
    if os.environ.get(_RANK.get(cfg.launcher, ''), '0') != '0':
        return nullcontext()
    return lock_folder(
        cfg.work_dir, 'wait for its end, or give another --work-dir'
    )


def add_safeguards(cfg: Config) -> None:
    """Adds the hooks that keep an interrupted run whole, unless set."""
    cfg.default_hooks = cfg.get('default_hooks') or {}
    hooks = cfg.default_hooks
    # The one that mmengine registers where a config names none.
    hooks.setdefault('checkpoint', dict(type='CheckpointHook', interval=1))
    checkpoint = hooks.checkpoint
    if _kind(checkpoint) == 'CheckpointHook' and _saves_locally(checkpoint):
        checkpoint['type'] = 'AtomicCheckpointHook'
    hooks.setdefault('step_seed', dict(type='StepSeedHook'))
    hooks.setdefault('missed_validation', dict(type='MissedValidationHook'))
    hooks.setdefault('non_finite_loss', dict(type='NonFiniteLossHook'))


def _saves_locally(checkpoint: dict) -> bool:
    """Returns whether a hook saves on a local disk.

    An object store replaces files whole by itself. It is named by arguments
    or by the prefix of the folder, as in 's3://bucket'.
    """
    options = ('backend_args', 'file_client_args')
    if any(checkpoint.get(option) for option in options):
        return False
    return '://' not in str(checkpoint.get('out_dir') or '')


def refuse_sharding(cfg: Config) -> None:
    """Raises ValueError if a strategy or wrapper shards the parameters."""
    for name in ('strategy', 'model_wrapper_cfg'):
        kind = _kind(cfg.get(name))
        if 'FullySharded' in kind or 'FSDP' in kind or 'DeepSpeed' in kind:
            raise ValueError(
                f'{cfg.filename} asks for {kind}, which shards the '
                'parameters that the teacher copies: take it out and train '
                'with --launcher, over MMDistributedDataParallel'
            )


def refuse_missing_backbone(cfg: Config) -> None:
    """Raises ValueError for a backbone of timm without timm."""
    kind = _kind(cfg.get('model', {}).get('backbone'))
    if kind == 'TIMMBackbone' and find_spec('timm') is None:
        raise ValueError(
            f'{cfg.filename} has a TIMMBackbone, and timm is not installed: '
            f'run {install_command("timm")}'
        )


def check_checkpoint(path: str) -> dict[str, Any]:
    """Returns what a checkpoint notes of the training that saved it.

    These are `meta`, and the facts of the run such as `max_iters`.

    The file must be whole, hold only tensors and mmengine's own records, and
    be a checkpoint of a training. With torch older than 2.6 only the
    checksums in the file are checked, and the result is empty.

    Raises:
        ValueError: the file is no such checkpoint.
    """
    remedy = 'give --resume the path of another checkpoint'
    try:
        with ZipFile(path) as file:
            damaged = file.testzip()
        if damaged:
            raise BadZipFile(f'{damaged} has another checksum')
        if not loads_safely():
            return {}
        # Its import allows mmengine's own records.
        import mmengine.runner  # noqa: F401
        import torch

        checkpoint = torch.load(
            path, map_location='cpu', mmap=True, weights_only=True
        )
    except pickle.UnpicklingError as error:
        # torch's own message advises to load without weights_only.
        raise ValueError(
            f'{path} is refused: it asks to run code that no checkpoint of '
            f'mmengine needs; {remedy}, from a source that you trust'
        ) from error
    except Exception as error:  # noqa: BLE001, damaged files raise anything
        raise ValueError(
            f'{path} is damaged or no checkpoint ({error}): {remedy}'
        ) from error
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if not isinstance(meta, dict) or 'iter' not in meta:
        raise ValueError(
            f'{path} holds no state of a training, expected what '
            f'CheckpointHook saves: {remedy}, or set load_from to it to '
            'begin with its weights'
        )
    hub = checkpoint.get('message_hub') or {}
    return {**(hub.get('runtime_info') or {}), **meta}


def _connect_cpu_processes(cfg: Config) -> None:
    """Connects processes over gloo, and fits the config to CPUs.

    mmengine's launcher calls `torch.cuda.set_device` with any backend, and
    its wrapper gives DDP a device number. SyncBN has no CPU kernel.
    """
    # Parts of torch that it imports would keep an open connection alive.
    import mmengine.runner  # noqa: F401
    from torch import distributed

    distributed.init_process_group('gloo')
    cfg.model_wrapper_cfg.device_ids = None
    if cfg.get('sync_bn'):
        cfg.sync_bn = None
    _use_plain_batch_norm(cfg.model)


def _kind(part: dict | None) -> str:
    """Returns the name of a config's class, empty without one."""
    return type_name(part) if part and 'type' in part else ''


def _use_plain_batch_norm(node: Any) -> None:
    if isinstance(node, dict):
        if _kind(node) in _SYNCHRONISED:
            node['type'] = 'BN'
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            _use_plain_batch_norm(child)
