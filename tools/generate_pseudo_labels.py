"""Makes the first round of pseudo-labels of a config, without training.

A training of the config makes the same round before its first step. It takes
this one over from its work dir, or with default_hooks.pseudo_labels.init_from
from any other folder::

    python tools/generate_pseudo_labels.py CONFIG [--out DIR]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from pathlib import Path

from mmengine.config import Config

from mmseg_sesam.cli import arguments
from mmseg_sesam.cli.interrupts import interruptible


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_arguments(parser)
    parser.add_argument(
        '--out',
        help='folder of the pseudo-labels (default: pseudo_labels in the '
        'work dir, where a training of the config takes them over)',
    )
    return parser


def generate(cfg: Config, args: Namespace) -> None:
    from mmengine.logging import MMLogger

    from mmseg_sesam.cli.launch import build_generator, find_hook
    from mmseg_sesam.config_checks import check_config
    from mmseg_sesam.config_checks.training import hook_option
    from mmseg_sesam.datasets.validation import check_lists
    from mmseg_sesam.io.json_values import diff
    from mmseg_sesam.rounds.distributed import build_group, on_main_rank
    from mmseg_sesam.rounds.make_round import RoundMaker
    from mmseg_sesam.rounds.provenance import fingerprint
    from mmseg_sesam.rounds.training_images import TrainingImages
    from mmseg_sesam.store.store import STORE_NAME, PseudoLabelStore

    hook = find_hook(cfg)
    check_config(cfg)
    check_lists(cfg, ('train',))
    dataset = cfg.train_dataloader.dataset
    store = PseudoLabelStore(args.out or Path(cfg.work_dir, STORE_NAME))
    generator = build_generator(cfg)
    group = build_group(hook_option(hook, 'timeout_hours'))
    workers = hook_option(hook, 'num_workers')
    images = TrainingImages(dataset, workers, group)
    settings = fingerprint(generator, images)
    with ExitStack() as held:

        def take_store() -> None:
            held.enter_context(store.lock())
            # Publishing round 0 would reset the training.
            if any(store.rounds()):
                raise ValueError(
                    f'{store.root} holds later rounds of a training, expected '
                    'none but round 0: start the training again with '
                    '--resume, or give another folder with --out'
                )
            made = store.settings(0)
            if changes := made and diff(made, settings):
                raise ValueError(
                    f'{store.folder(0)} was made with other settings '
                    f'({changes}), and would be replaced: give another --out '
                    'or --work-dir, or remove it'
                )

        # All ranks stop if rank 0 gets no lock.
        on_main_rank(take_store, group)
        RoundMaker(0, generator, images, store, settings, group=group).make()
    MMLogger.get_current_instance().info(
        f'The pseudo-labels are in {store.folder(0)}.'
    )


@interruptible('generate_pseudo_labels')
def main() -> None:
    parser = make_parser()
    args = arguments.parse_args(parser)
    from mmengine import dist
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope
    from mmengine.utils.dl_utils import set_multi_processing

    from mmseg_sesam.cli import launch
    from mmseg_sesam.rounds.distributed import RankError
    from mmseg_sesam.rounds.make_round import RoundError

    try:
        cfg = launch.load_config(args, 'train_dataloader')
    except ValueError as error:
        parser.error(str(error))
    if args.launcher != 'none' and not dist.is_distributed():
        env = cfg.get('env_cfg') or {}
        # As a Runner does, or workers would start by 'spawn'.
        set_multi_processing(**env.get('mp_cfg', {}), distributed=True)
        dist.init_dist(args.launcher, **env.get('dist_cfg', {}))
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    MMLogger.get_instance('mmseg_sesam', logger_name='mmseg_sesam')
    try:
        generate(cfg, args)
    except (OSError, RankError, RoundError, ValueError) as error:
        parser.error(str(error))
    launch.disconnect_processes()


if __name__ == '__main__':
    main()
