"""Draws weak_labels.png: each kind of weak label on the demo data set.

python docs/images/weak_labels.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

from mmseg_sesam.core.weak_labels import KINDS, WeakLabelSimulator
from mmseg_sesam.visualization.sheet import paint_label, save_sheet

HERE = Path(__file__).resolve().parent
NAMES = ['train_0002', 'train_0010']
PALETTE = 255 * np.array(colormaps['tab10'].colors)
# Seen from afar, dots of the default radius would be lost.
DOT_RADIUS = 3


def options_of(kind: str) -> dict[str, int]:
    """Large dots for the kinds that have dots."""
    return dict(dot_radius=DOT_RADIUS) if 'point' in kind else {}


def make_rows(data: Path) -> list[list[np.ndarray]]:
    """Image, dense label and the label of each kind, of each scene."""
    images, labels = data / 'JPEGImages', data / 'SegmentationClass'
    rows = []
    for name in NAMES:
        image = np.array(Image.open(images / f'{name}.jpg'))
        dense = np.array(Image.open(labels / f'{name}.png'))
        weak = [
            WeakLabelSimulator(kind, **options_of(kind))(
                dense, zlib.crc32(name.encode())
            )
            for kind in KINDS
        ]
        shown = [
            paint_label(image, label, PALETTE) for label in (dense, *weak)
        ]
        rows.append([image, *shown])
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / 'street'
        tool = HERE.parents[1] / 'tools/make_demo_data.py'
        options = ['--train=12', '--height=240', '--width=320']
        subprocess.run([sys.executable, tool, data, *options], check=True)
        rows = make_rows(data)
    save_sheet(HERE / 'weak_labels.png', rows, ['image', 'dense', *KINDS])


if __name__ == '__main__':
    main()
