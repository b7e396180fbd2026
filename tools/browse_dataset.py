"""Draws samples of a data set after augmentation, with all label maps.

One picture for each of some samples, drawn at random::

    python tools/browse_dataset.py CONFIG OUT_DIR [--number 20] [--split val]
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from mmseg_sesam.cli.arguments import (
    add_cfg_options,
    config_file,
    new_folder,
    whole,
)


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', type=config_file)
    parser.add_argument('out_dir', type=new_folder)
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train'
    )
    parser.add_argument(
        '--number',
        type=whole('number of samples', 1),
        default=20,
        help='number of samples',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--work-dir',
        help='work dir of a training whose pseudo-labels are drawn (default: '
        'that of tools/train.py)',
    )
    add_cfg_options(parser)
    return parser


def main() -> None:
    args = make_parser().parse_args()
    from mmengine.registry import init_default_scope

    from mmseg_sesam.cli.configs import read_config, set_work_dir
    from mmseg_sesam.datasets.validation import check_lists
    from mmseg_sesam.visualization.training_sample import draw_samples

    try:
        cfg = read_config(args.config, args.cfg_options)
        set_work_dir(cfg, args.work_dir)
        init_default_scope(cfg.get('default_scope', 'mmseg'))
        check_lists(cfg, (args.split,))
        count = draw_samples(
            cfg, args.split, args.number, args.seed, args.out_dir
        )
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'browse_dataset: {error}')
    print(f'{count} pictures in {args.out_dir}')


if __name__ == '__main__':
    main()
