"""Draws a picture that explains the pseudo-label of one image.

The picture has the components of the weak label with their points. For the
largest components it has all candidates with their measures and verdicts::

    python tools/explain_image.py IMAGE WEAK [--config CONFIG] [--out PNG]
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import ImageOps

from mmseg_sesam.cli.arguments import config_file, existing_file, writable_file
from mmseg_sesam.io.images import is_deep_tiff, open_image
from mmseg_sesam.io.labels import read_label, read_palette

DEFAULT = Path(__file__).parents[1] / 'configs/_base_/segmenters/superpixel.py'


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('image', type=existing_file)
    parser.add_argument(
        'weak', type=existing_file, help='index PNG, 255 where unlabelled'
    )
    parser.add_argument(
        '--config',
        type=config_file,
        default=str(DEFAULT),
        help='config with the generator (default: superpixels)',
    )
    parser.add_argument(
        '--out', type=writable_file, help='default: IMAGE_explained.png, here'
    )
    parser.add_argument(
        '--components', type=int, default=6, help='rows (default: 6)'
    )
    return parser


def choose_colours(path: str, weak: np.ndarray) -> list[list[int]]:
    """Returns the palette of an index PNG, or default colours."""
    from mmseg_sesam.visualization.sheet import choose_palette

    number = 1 + int(weak[weak != 255].max(initial=0))
    return choose_palette(read_palette(path), number)


def class_names(cfg: Config) -> list[str]:
    names = cfg.get('metainfo', {}).get('classes', [])
    return [*names, *map(str, range(len(names), 256))]


def read_image(path: str, cfg: Config) -> np.ndarray:
    """Returns an image as the config shows it, or one of 8 bits."""
    from mmseg_sesam.datasets.pipeline_configs import view_steps
    from mmseg_sesam.datasets.rgb_view import load_view

    loader = cfg.get('train_dataloader')
    if steps := view_steps(loader.dataset) if loader else []:
        return load_view(path, steps)
    try:
        with open_image(path) as file:
            # Pillow would clip them to 255.
            if file.mode.startswith(('I', 'F')) or is_deep_tiff(file):
                raise ValueError(
                    f'{path} holds values of more than 8 bits (mode '
                    f'{file.mode}), expected 8-bit RGB or grey; give --config '
                    'of a training with LoadRGBView.'
                )
            return np.array(ImageOps.exif_transpose(file).convert('RGB'))
    except (OSError, SyntaxError) as error:
        raise ValueError(
            f'{path} cannot be read as an image ({error}); give another file, '
            'or, for images of other bands, --config of a training with '
            'LoadRGBView.'
        ) from error


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    out = args.out or Path(f'{Path(args.image).stem}_explained.png')
    if out.exists():
        parser.error(f'{out} is there already; give another --out')
    from mmengine.device import get_device
    from mmengine.registry import init_default_scope
    from mmseg.registry import TASK_UTILS

    from mmseg_sesam.cli.configs import read_config
    from mmseg_sesam.cli.launch import find_hook
    from mmseg_sesam.visualization.explanation import explain
    from mmseg_sesam.visualization.explanation_sheet import (
        describe_omitted,
        save_explanation,
    )

    init_default_scope('mmseg')
    try:
        cfg = read_config(args.config)
        # A segmenter base has a generator and no hooks.
        is_base = 'generator' in cfg and 'default_hooks' not in cfg
        config = cfg.generator if is_base else find_hook(cfg)['generator']
        generator = TASK_UTILS.build(config)
        generator.segmenter.to(get_device())
        weak = read_label(Path(args.weak))
        image = read_image(args.image, cfg)
        height, width = image.shape[:2]
        size = f'{width} x {height} pixels'
        print(f'making the pseudo-label of {size}', flush=True)
        made, explanations = explain(generator, image, weak, args.components)
    except (OSError, ValueError) as error:
        sys.exit(f'explain_image: {error}')
    classes = class_names(cfg)
    save_explanation(
        out,
        image,
        weak,
        made,
        explanations,
        choose_colours(args.weak, weak),
        classes,
    )
    omitted = describe_omitted(made.records, len(explanations), classes)
    if omitted:
        print(omitted)
    fell_back = sum(record.fell_back for record in made.records)
    print(
        f'{out}: {len(made.records)} components, {fell_back} fell back, '
        f'{np.mean(made.label != 255):.1%} of pixels labelled'
    )


if __name__ == '__main__':
    main()
