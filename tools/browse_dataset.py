"""Draws what the network is fed, after augmentation, with all label maps.

One picture for each of some samples, drawn at random::

    python tools/browse_dataset.py CONFIG OUT_DIR [--number 20] [--split val]
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from mmengine.config import Config, DictAction

from mmseg_sesam.cli.arguments import config_file


def new_folder(text: str) -> Path:
    """Argument type: a folder that is empty or not there yet."""
    folder = Path(text)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ArgumentTypeError(
            f'{text} is there and not an empty folder, and nothing in it '
            'shall be overwritten: give a new one'
        )
    return folder


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', type=config_file)
    parser.add_argument('out_dir', type=new_folder)
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train'
    )
    parser.add_argument('--number', type=int, default=20, help='of samples')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--work-dir',
        help='of a training, whose pseudo-labels are drawn (default: as '
        'tools/train.py has it)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE'
    )
    return parser


def draw(cfg: Config, split: str, number: int, seed: int, out: Path) -> int:
    import numpy as np
    from mmengine.runner import set_random_seed
    from mmseg.registry import DATASETS

    from mmseg_sesam.datasets.loading import attach_store
    from mmseg_sesam.datasets.pipeline_configs import common_data_root
    from mmseg_sesam.io.terminal import Progress
    from mmseg_sesam.store.store import STORE_NAME, PseudoLabelStore
    from mmseg_sesam.visualization.sheet import choose_palette, save_sheet
    from mmseg_sesam.visualization.training_sample import draw_views

    config = cfg[f'{split}_dataloader'].dataset
    root = common_data_root(config)
    dataset = DATASETS.build(config)
    store = PseudoLabelStore(Path(cfg.work_dir, STORE_NAME))
    attach_store(dataset, store, root)
    palette = dataset.metainfo.get('palette')
    classes = dataset.metainfo.get('classes') or range(255)
    palette = choose_palette(palette, len(classes))
    # Transforms draw from the global generators.
    set_random_seed(seed)
    count = min(number, len(dataset))
    indices = np.random.default_rng(seed).choice(
        len(dataset), count, replace=False
    )
    out.mkdir(parents=True, exist_ok=True)
    for place, index in enumerate(Progress(indices, desc=split)):
        packed = dataset[int(index)]
        views = draw_views(packed, palette)
        stem = Path(packed['data_samples'].img_path).stem
        path = out / f'{place:04d}_{stem}.png'
        save_sheet(path, [list(views.values())], list(views))
    return count


def main() -> None:
    args = make_parser().parse_args()
    from mmengine.registry import init_default_scope

    from mmseg_sesam.datasets.validation import check_lists

    cfg = Config.fromfile(args.config)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    default_dir = str(Path('work_dirs', Path(args.config).stem))
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or default_dir
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    try:
        check_lists(cfg, (args.split,))
        count = draw(cfg, args.split, args.number, args.seed, args.out_dir)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'browse_dataset: {error}')
    print(f'{count} pictures in {args.out_dir}')


if __name__ == '__main__':
    main()
