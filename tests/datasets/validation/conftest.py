"""A sound data set in a config, for tests to break."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import ConfigDict
from PIL import Image

from mmseg_sesam.datasets.validation import (
    Finding,
    Report,
    validate_datasets,
)
from mmseg_sesam.io.labels import write_label


class Data:
    """Four images with weak labels for training and dense ones for val."""

    shape = HEIGHT, WIDTH = 20, 30
    classes = ('road', 'house', 'tree')
    palette = ((128, 64, 128), (70, 70, 70), (107, 142, 35))
    names = ('a', 'b', 'town/c', 'town/d')

    def __init__(self, root: Path) -> None:
        self.root = root
        rng = np.random.default_rng(0)
        for name in self.names:
            for folder in ('images', 'weak', 'dense'):
                (root / folder / name).parent.mkdir(
                    parents=True, exist_ok=True
                )
            image = rng.integers(0, 256, (*self.shape, 3), dtype=np.uint8)
            Image.fromarray(image).save(root / f'images/{name}.jpg')
            write_label(
                root / f'weak/{name}.png', self.weak_label(), self.palette
            )
            write_label(root / f'dense/{name}.png', self.dense_label())
        self.cfg = self._make_config()

    def _make_config(self) -> ConfigDict:
        dataset = dict(
            type='BaseSegDataset',
            data_root=str(self.root),
            metainfo=dict(classes=self.classes, palette=self.palette),
        )
        images = dict(type='LoadImageFromFile')
        train = dict(
            dataset,
            data_prefix=dict(img_path='images', seg_map_path='weak'),
            pipeline=[
                images,
                dict(type='LoadWeakAnnotations', num_classes=3),
                dict(type='LoadPseudoLabel'),
            ],
        )
        val = dict(
            dataset,
            data_prefix=dict(img_path='images', seg_map_path='dense'),
            pipeline=[images, dict(type='LoadAnnotations')],
        )
        return ConfigDict(
            model=dict(decode_head=dict(num_classes=3)),
            train_dataloader=dict(dataset=train),
            val_dataloader=dict(dataset=val),
            test_dataloader=dict(dataset=copy.deepcopy(val)),
        )

    @property
    def train(self) -> ConfigDict:
        """The config of the training data set."""
        return self.cfg.train_dataloader.dataset

    def dense_label(self) -> np.ndarray:
        """Three stripes of ten columns each, one for each class."""
        stripes = np.repeat(np.arange(3, dtype=np.uint8), 10)
        return np.tile(stripes, (self.HEIGHT, 1))

    def weak_label(self) -> np.ndarray:
        """Eight rows of the stripes; three fifths are unlabelled."""
        label = self.dense_label()
        label[4:16] = 255
        return label

    def save(self, label: np.ndarray) -> None:
        """Writes one label as all weak labels."""
        for name in self.names:
            Image.fromarray(label).save(self.root / f'weak/{name}.png')

    def list_names(self, text: str | bytes) -> None:
        """Writes a list of training images."""
        content = text if isinstance(text, bytes) else text.encode()
        (self.root / 'train.txt').write_bytes(content)
        self.train.ann_file = 'train.txt'

    def train_alone(self) -> None:
        """Removes the data sets of validation and test."""
        self.cfg.val_dataloader = self.cfg.test_dataloader = None

    def validate(self) -> Report:
        return validate_datasets(self.cfg)

    def only(self, split: str = 'train') -> Finding:
        """Returns the one finding of a data set."""
        found = [f for f in self.validate().findings if f.split == split]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def data(tmp_path: Path) -> Data:
    """A config and its files, without any problem."""
    return Data(tmp_path / 'data')
