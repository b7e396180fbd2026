"""Training images with weak and dense labels, from several domains."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.accuracy.sets import SETS as ACCURACY_SETS
from mmseg_sesam.annotations import READERS
from mmseg_sesam.annotations.base import AnnotationReader, Item
from mmseg_sesam.core.weak_labels import WeakLabelSimulator
from mmseg_sesam.io.labels import read_label

IGNORE = 255


class LabelledImage(NamedTuple):
    """An image with its labels.

    Attributes:
        key: name of the image.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 weak label.
        dense: (H, W) uint8 dense label.
    """

    key: str
    image: np.ndarray
    weak: np.ndarray
    dense: np.ndarray


class ImageSet(NamedTuple):
    """A data set and one kind of weak label.

    Attributes:
        num_classes: classes of the dense labels.
        step: from one measured image to the next, so that a row takes a few
            minutes.
        images: returns the paths of all images, from the data folder.
        dense: returns the path of the dense label, from an image's path.
        weak: returns the weak label, from an image's path and dense label.
    """

    num_classes: int
    step: int
    images: Callable[[Path], list[Path]]
    dense: Callable[[Path], Path]
    weak: Callable[[Path, np.ndarray], np.ndarray]

    def load(
        self, data: Path, number: int | None = None
    ) -> Iterator[LabelledImage]:
        """Yields images of the set.

        Args:
            data: folder of all data sets.
            number: number of images, spread over the set; by default those
                that are measured.
        """
        paths = self.images(data)
        places = range(0, len(paths), self.step)
        if number is not None:
            number = min(number, len(paths))
            places = np.linspace(0, len(paths) - 1, number).round().astype(int)
        for path in (paths[place] for place in places):
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            dense = read_label(self.dense(path))
            weak = self.weak(path, dense)
            rgb = np.ascontiguousarray(image[..., ::-1])
            yield LabelledImage(path.stem, rgb, weak, dense)


def _simulate(kind: str) -> Callable[[Path, np.ndarray], np.ndarray]:
    simulator = WeakLabelSimulator(kind)

    def weak(path: Path, dense: np.ndarray) -> np.ndarray:
        # The same label as `SimulateWeakLabel` draws in a training.
        key = f'images/train/{path.stem}'
        return simulator(dense, zlib.crc32(key.encode()))

    return weak


def _list_training(name: str) -> Callable[[Path], list[Path]]:
    return lambda data: sorted((data / name / 'images' / 'train').iterdir())


def _dense(path: Path) -> Path:
    """Returns DATA/annotations/train/NAME.png of DATA/images/train/NAME.*."""
    return path.parents[2] / 'annotations' / 'train' / f'{path.stem}.png'


def _scribbles(path: Path, dense: np.ndarray) -> np.ndarray:
    folder = path.parents[2] / 'scribbles' / 'train'
    return read_label(folder / f'{path.stem}.png')


def _list_voc(data: Path) -> list[Path]:
    root = data / 'voc' / 'VOCdevkit' / 'VOC2012'
    names = (root / 'ImageSets/Segmentation/trainaug.txt').read_text().split()
    return [root / 'JPEGImages' / f'{name}.jpg' for name in names]


def _voc_dense(path: Path) -> Path:
    return path.parents[1] / 'SegmentationClassAug' / f'{path.stem}.png'


def _voc_clicks(path: Path, dense: np.ndarray) -> np.ndarray:
    """Returns people's clicks on objects and on background, as dots."""
    reader, items = _read_clicks(path.parents[4])
    return reader.read(items[path.stem]).label


@lru_cache
def _read_clicks(data: Path) -> tuple[AnnotationReader, dict[str, Item]]:
    """Returns the reader of the clicks, and its items by image."""
    voc = ACCURACY_SETS['voc']
    reader = READERS['whats-the-point'](
        [data / name for name in voc.clicks],
        images=(data / voc.dense).parent / 'JPEGImages',
    )
    items, _ = reader.items()
    return reader, {item.key: item for item in items}


SETS: dict[str, ImageSet] = {
    **{
        f'camvid-{kind}': ImageSet(
            11, every, _list_training('camvid'), _dense, _simulate(kind)
        )
        for kind, every in (('point', 24), ('scribble', 24), ('coarse', 36))
    },
    'voc-clicks': ImageSet(21, 12, _list_voc, _voc_dense, _voc_clicks),
    'acdc-scribbles': ImageSet(
        4, 16, _list_training('acdc'), _dense, _scribbles
    ),
    'coral-point': ImageSet(
        10, 4, _list_training('coral'), _dense, _simulate('point')
    ),
}
