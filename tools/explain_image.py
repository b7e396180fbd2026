"""Draws a picture that explains the pseudo-label of one image.

The picture has the components of the weak label with their points. For the
largest components it has all candidates with their measures and verdicts::

    python tools/explain_image.py IMAGE WEAK [--config CONFIG] [--out PNG]
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmseg_sesam.cli.arguments import (
    config_file,
    existing_file,
    whole,
    writable_file,
)
from mmseg_sesam.io.images import read_image
from mmseg_sesam.io.labels import read_label, read_palette
from mmseg_sesam.structures import NO_LABEL, UNLABELLED

DEFAULT = Path(__file__).parents[1] / 'configs/_base_/segmenters/superpixel.py'
# Transforms that load or make a weak label.
LABELLING = {'LoadAnnotations', 'SimulateWeakLabel'}


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='The pseudo-label of a run may differ. A run learns from the '
        'whole data set how classes look, and how often masks of a class, '
        'expansion and score conflict with weak labels; after a refresh it '
        'uses the predictions of the teacher. Reliability comes from these '
        'alone, so that it is 0.98 here for all masks.',
    )
    parser.add_argument('image', type=existing_file)
    parser.add_argument(
        'weak',
        type=existing_file,
        help='index PNG, as the training set of --config has it, so dense '
        'where that simulates weak labels; without, 255 where unlabelled',
    )
    parser.add_argument(
        '--config',
        type=config_file,
        default=str(DEFAULT),
        help='config with the generator and the training set (default: '
        'superpixels)',
    )
    parser.add_argument(
        '--out', type=png_file, help='default: IMAGE_explained.png, here'
    )
    parser.add_argument(
        '--components',
        type=whole('number of rows', 0),
        default=6,
        help='rows (default: 6)',
    )
    return parser


def png_file(path: str) -> Path:
    if Path(path).suffix.lower() != '.png':
        raise ArgumentTypeError(
            f'{path} is no name of a PNG: give one that ends in .png'
        )
    return writable_file(path)


def find_training_set(cfg: Config, weak: str) -> Any:
    """Returns the data set of a config in one of whose folders a label is.

    Of several it is the one that lists the label. Without such a data set it
    is the first one, and None if there is none. It loads labels alone.
    """
    from mmseg.registry import DATASETS

    from mmseg_sesam.datasets.label_kinds import kind_of_steps
    from mmseg_sesam.datasets.pipeline_configs import (
        iterate_leaves,
        transform_names,
    )

    loader, found = cfg.get('train_dataloader'), []
    for leaf, steps in iterate_leaves(loader.dataset) if loader else ():
        if kind_of_steps(steps) == NO_LABEL:
            continue
        loading = [s for s in steps if transform_names(s) & LABELLING]
        config = dict(leaf, pipeline=loading, lazy_init=True)
        found.append(DATASETS.build(config))
    cached = [d for d in found if is_in(weak, cache_folders(d))]
    holders = cached or [d for d in found if is_in(weak, label_folders(d))]
    if len(holders) > 1 and not cached:
        holders = [d for d in holders if lists(d, weak)] or holders
    return next(iter(holders or found), None)


def label_folders(dataset: Any) -> list[str]:
    """Returns the folder of a data set's label files, if it has one."""
    own = dataset.data_prefix.get('seg_map_path')
    return [own] if own else []


def cache_folders(dataset: Any) -> list[Path]:
    """Returns the folders in which a data set stores simulated labels."""
    steps = dataset.pipeline.transforms
    caches = [getattr(step, 'cache', None) for step in steps]
    # The last part of the path is a digest of the options.
    return [cache.parent for cache in caches if cache]


def is_in(path: str, folders: Sequence[str | Path]) -> bool:
    """Returns whether a file is below one of some folders."""
    above = Path(path).resolve().parents
    return any(Path(folder).resolve() in above for folder in folders)


def lists(dataset: Any, weak: str) -> bool:
    """Returns whether a data set lists a label file."""
    dataset.full_init()
    infos = map(dataset.get_data_info, range(len(dataset)))
    paths = (info.get('seg_map_path', '') for info in infos)
    return os.path.realpath(weak) in map(os.path.realpath, paths)


def read_weak(
    path: str, image_path: str, image: np.ndarray, dataset: Any
) -> np.ndarray:
    """Returns a label as a data set loads it, or the ids of the file.

    A simulated label in the data set's cache has the ids of the classes. A
    dense label among those of the data set is simulated as in training.
    """
    from mmseg_sesam.datasets.simulate import SimulateWeakLabel

    if dataset is None or is_in(path, cache_folders(dataset)):
        return read_label(path)
    results = dict(
        img=image,
        img_path=image_path,
        seg_map_path=path,
        seg_fields=[],
        label_map=dataset.label_map,
        file_classes=getattr(dataset, 'file_classes', None),
        reduce_zero_label=dataset.reduce_zero_label,
    )
    is_own = is_in(path, label_folders(dataset))
    for step in dataset.pipeline.transforms:
        if not isinstance(step, SimulateWeakLabel):
            results = step(results)
        elif is_own:
            print('the weak label is simulated from the dense one')
            results = step(results)
    return results['gt_seg_map']


def choose_names(
    path: str, ids: np.ndarray, dataset: Any
) -> tuple[list[list[int]], list[str]]:
    """Returns colour and name of each class.

    A data set that names no classes gets colours of the file, if it has a
    palette, or default ones.
    """
    from mmseg_sesam.visualization.sheet import choose_palette

    meta = {} if dataset is None else dataset.metainfo
    names = meta.get('classes') or []
    number = max(len(names), 1 + int(ids.max(initial=0)))
    palette = meta.get('palette') or read_palette(path)
    return (
        choose_palette(palette, number),
        [*names, *map(str, range(len(names), number))],
    )


def read_view(path: str, cfg: Config) -> np.ndarray:
    """Returns an image as the config shows it, else as training reads it."""
    from mmseg_sesam.datasets.pipeline_configs import view_of
    from mmseg_sesam.datasets.rgb_view import load_view

    if steps := view_of(cfg):
        return load_view(path, steps)
    remedy = (
        'give another file, or, for images of other bands, --config of a '
        'training with LoadRGBView'
    )
    return read_image(path, remedy)


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    out = args.out or Path(f'{Path(args.image).stem}_explained.png')
    if out.exists():
        parser.error(f'{out} is there already; give another --out')
    from mmengine.registry import init_default_scope

    from mmseg_sesam.cli.configs import read_config
    from mmseg_sesam.cli.launch import build_generator
    from mmseg_sesam.visualization.explanation import explain
    from mmseg_sesam.visualization.explanation_sheet import (
        describe_omitted,
        save_explanation,
    )

    init_default_scope('mmseg')
    try:
        cfg = read_config(args.config)
        dataset = find_training_set(cfg, args.weak)
        image = read_view(args.image, cfg)
        weak = read_weak(args.weak, args.image, image, dataset)
        generator = build_generator(cfg)
        height, width = image.shape[:2]
        size = f'{width} x {height} pixels'
        print(f'making the pseudo-label of {size}', flush=True)
        made, explanations = explain(generator, image, weak, args.components)
        palette, classes = choose_names(
            args.weak, weak[weak != UNLABELLED], dataset
        )
        save_explanation(
            out, image, weak, made, explanations, palette, classes
        )
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'explain_image: {error}')
    omitted = describe_omitted(made.records, len(explanations), classes)
    if omitted:
        print(omitted)
    fell_back = sum(record.fell_back for record in made.records)
    print(
        f'{out}: {len(made.records)} components, {fell_back} fell back, '
        f'{np.mean(made.label != UNLABELLED):.1%} of pixels labelled'
    )


if __name__ == '__main__':
    main()
