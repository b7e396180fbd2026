"""Renders a small street-scene data set with exact labels, in VOC layout.

The scenes are drawn, not photographed, so that the whole training from weak
labels can be tried without a download.

    python tools/make_demo_data.py data/street_demo
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_sesam.cli.arguments import whole
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.io.listing import is_empty_or_absent
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.street_scenes import CLASSES, PALETTE, render

# Default and minimum of each setting.
OPTIONS = dict(
    train=(96, 1), val=(32, 1), height=(160, 32), width=(224, 32), seed=(0, 0)
)


def write_data_set(root: Path, settings: dict[str, int]) -> None:
    """Renders both splits into a new folder."""
    images, labels = root / 'JPEGImages', root / 'SegmentationClass'
    lists = root / 'ImageSets' / 'Segmentation'
    for folder in (images, labels, lists):
        folder.mkdir(parents=True)
    for split_id, split in enumerate(('train', 'val')):
        names = [f'{split}_{i:04d}' for i in range(settings[split])]
        (lists / f'{split}.txt').write_text('\n'.join(names) + '\n')
        for index, name in enumerate(Progress(names, desc=split)):
            # A seed of its own: no image depends on how many are made.
            rng = np.random.default_rng([settings['seed'], split_id, index])
            image, label = render(rng, settings['height'], settings['width'])
            Image.fromarray(image).save(images / f'{name}.jpg', quality=90)
            write_label(labels / f'{name}.png', label, PALETTE)


def main() -> None:
    """Makes the data set that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        epilog='--train and --val count images; sizes are in pixels.',
    )
    parser.add_argument('out', type=Path, help='folder to make')
    for name, (default, least) in OPTIONS.items():
        text = f'{least} or more (default: {default})'
        kind = whole(f'value of --{name}', least)
        parser.add_argument(f'--{name}', type=kind, default=default, help=text)
    settings = vars(parser.parse_args())
    out = settings.pop('out').resolve()
    about = dict(classes=CLASSES, palette=PALETTE, settings=settings)
    about, about_file = json.dumps(about) + '\n', out / 'classes.json'
    if about_file.is_file() and about_file.read_text() == about:
        print(f'{out} already holds this data set; nothing to do.')
        return
    if not is_empty_or_absent(out):
        found = 'exists and is not the data set of these options'
        parser.exit(2, f'{out} {found}: name a new folder or remove it.\n')
    out.parent.mkdir(parents=True, exist_ok=True)
    # A rename at the end: an interrupted run leaves no partial data set.
    with tempfile.TemporaryDirectory(prefix='.demo-', dir=out.parent) as stage:
        root = Path(stage) / 'data'
        write_data_set(root, settings)
        (root / 'classes.json').write_text(about)
        root.rename(out)
    print(f'Wrote {settings["train"]} + {settings["val"]} images to {out}.')


if __name__ == '__main__':
    main()
