"""Train a segmentor from a config, on a CPU, a GPU or many."""

from __future__ import annotations

import argparse
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_sesam.cli import arguments
from mmseg_sesam.cli.interrupts import interruptible
from mmseg_sesam.type_names import type_name

# Parts of a config without which nothing is trained.
NEEDED = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')


def resume_target(value: str) -> str:
    return value if value == 'auto' else arguments.checkpoint(value)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    arguments.add_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        type=resume_target,
        metavar='CHECKPOINT',
        help='continue from CHECKPOINT; without a path, from the latest in '
        'the work dir; starts a new run if there is none',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )
    return parser


def set_resume(cfg: Config, resume: str | None) -> dict[str, Any]:
    """Chooses the checkpoint, and refuses to train over an earlier run.

    Returns:
        What the checkpoint notes of the run that saved it; empty without one.
    """
    from mmseg_sesam.engine.work_dir import latest_checkpoint

    latest = latest_checkpoint(cfg.work_dir)
    if resume is None and cfg.get('resume'):
        resume = cfg.get('load_from') or 'auto'
    if resume is None:
        if latest:
            raise FileExistsError(
                f'{cfg.work_dir} holds the checkpoints of an earlier run: '
                'add --resume to continue it, or give another --work-dir'
            )
        return {}
    if resume == 'auto':
        resume = latest and str(latest)
        if resume is not None and not Path(resume).is_file():
            raise FileNotFoundError(
                f'{cfg.work_dir}/last_checkpoint names {resume}, which is '
                'not there: give --resume the path of another checkpoint'
            )
    notes: dict[str, Any] = {}
    if resume is not None and '://' not in resume:
        from mmseg_sesam.cli import launch

        notes = launch.check_checkpoint(resume)
        refuse_earlier_end(cfg, resume, notes)
        seed = notes.get('seed')
        randomness = cfg.get('randomness') or {}
        # mmengine reads it after the order of images was drawn with another.
        if seed is not None and randomness.get('seed') is None:
            cfg.randomness = dict(randomness, seed=seed)
    cfg.resume = resume is not None
    cfg.load_from = resume or cfg.get('load_from')
    return notes


def refuse_earlier_end(cfg: Config, path: str, notes: dict[str, Any]) -> None:
    """Raises if the config ends where an unfinished run has been.

    Usually `--cfg-options` of the first call are missing. A run that reached
    its own end passes: it may be started again.

    Args:
        cfg: of the training that resumes.
        path: path of the checkpoint.
        notes: what the checkpoint says of the run that saved it.
    """
    for unit in ('iter', 'epoch'):
        name = f'max_{unit}s'
        end, planned = cfg.train_cfg.get(name), notes.get(name)
        if end and planned and end <= notes[unit] < planned:
            raise ValueError(
                f'{path} is of {unit} {notes[unit]} of a run with train_cfg.'
                f'{name}={planned}, and {cfg.filename} has {name}={end}, so '
                'that nothing would be trained: give the --cfg-options of '
                f'that run, or a larger {name}'
            )


def set_amp(cfg: Config) -> None:
    from mmengine.device import get_device

    if get_device() == 'cpu':
        raise ValueError('--amp needs a GPU and none was found: leave it out')
    wrapper = cfg.optim_wrapper
    # The default of mmengine's constructor.
    kind = type_name(wrapper) if 'type' in wrapper else 'OptimWrapper'
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(
            '--amp needs an optim_wrapper of type OptimWrapper, and the '
            f'config has {kind}: leave it out or change the config'
        )
    wrapper.type = 'AmpOptimWrapper'
    wrapper.setdefault('loss_scale', 'dynamic')


def is_of_package(error: Exception) -> bool:
    """Returns whether this package raised an error, to refuse an option.

    Others may be errors of code, which need their traceback.
    """
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get('__name__', '').startswith('mmseg_sesam.')


def train(cfg: Config, changed: str) -> None:
    """Trains; `changed` names settings that differ since the checkpoint."""
    from mmseg_sesam.engine import summarise
    from mmseg_sesam.engine.terminal_runner import TerminalRunner

    try:
        runner = TerminalRunner.from_cfg(cfg)
    except (OSError, ValueError) as error:
        if not is_of_package(error):
            raise
        make_parser().error(str(error))
    if changed:
        runner.logger.warning(
            f'Settings differ from those of the checkpoint: {changed}. The '
            'training continues with the new ones.'
        )
    runner.train()
    runner.logger.info(summarise(runner))


@interruptible(
    'train',
    'tools/train.py with --resume and the same other arguments continues',
)
def main() -> None:
    parser = make_parser()
    args = arguments.parse_args(parser)
    from mmseg_sesam.cli import launch
    from mmseg_sesam.cli.changed_settings import changed_settings

    with ExitStack() as held:
        try:
            cfg = launch.load_config(args, *NEEDED)
            launch.refuse_sharding(cfg)
            launch.refuse_missing_backbone(cfg)
            held.enter_context(launch.lock_work_dir(cfg))
            notes = set_resume(cfg, args.resume)
            print(f'{args.config}: loading torch and mmseg', flush=True)
            from mmseg_sesam.config_checks import check_config
            from mmseg_sesam.datasets.validation import check_lists
            from mmseg_sesam.engine.downloads import (
                drop_downloads,
                refuse_unreachable,
            )

            if cfg.get('resume'):
                drop_downloads(cfg)
            refuse_unreachable(cfg)
            if args.amp:
                set_amp(cfg)
            check_config(cfg)
            check_lists(cfg)
        except (OSError, ValueError) as error:
            parser.error(str(error))
        launch.add_safeguards(cfg)
        noted = notes.get('cfg')
        changed = changed_settings(noted, cfg) if noted else ''
        from mmseg_sesam.engine.terminal_runner import Refusal
        from mmseg_sesam.rounds.make_round import RoundError

        try:
            train(cfg, changed)
        # NonFiniteLossHook raises a FloatingPointError.
        except (FloatingPointError, Refusal, RoundError) as error:
            parser.error(str(error))
    launch.disconnect_processes()


if __name__ == '__main__':
    main()
