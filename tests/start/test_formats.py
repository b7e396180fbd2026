"""Annotations of several formats become one training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_sesam.annotations.export import export
from mmseg_sesam.io.labels import read_label, write_label
from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.start import Request, prepare

BASES = Path(__file__).resolve().parents[2] / 'configs/_base_'
CLASSES = 'ground', 'cat'
FILES = {
    'coco': 'instances.json',
    'cvat': 'annotations.xml',
    'label-studio': 'tasks.json',
    'labelme': '',
}


def label_of(index: int) -> np.ndarray:
    """A coarse mask of each class."""
    label = np.full((60, 80), 255, np.uint8)
    label[5:20, 5:70], label[30:55, 10 + index : 60] = 0, 1
    return label


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three images, of which two get a label."""
    monkeypatch.chdir(tmp_path)
    Path('images').mkdir()
    paths = [Path(f'images/{index}.jpg') for index in range(3)]
    for index, path in enumerate(paths):
        Image.new('RGB', (80, 60), (index, 90, 200)).save(path)
    return paths


def annotate(name: str, paths: list[Path]) -> Path:
    """Writes annotations as the tool of a format does."""
    Path('drawn').mkdir()
    if name == 'index-png':
        for index, path in enumerate(paths):
            label = label_of(index)
            # Some tools write another value for unlabelled pixels.
            label[label == 255] = 9
            write_label(Path(f'drawn/{path.stem}.png'), label)
        return Path('drawn')
    labels = map(label_of, range(len(paths)))
    export(paths, labels, Path('drawn'), name, tolerance=0, classes=CLASSES)
    file = Path('drawn', FILES[name])
    if name == 'label-studio':
        tasks = json.loads(file.read_text())
        for task in tasks:
            task['annotations'] = task.pop('predictions')
        file.write_text(json.dumps(tasks))
    return file


@pytest.mark.parametrize('name', [*FILES, 'index-png'])
def test_prepare_takes_each_format(images: list[Path], name: str) -> None:
    source = annotate(name, images[:2])
    request = Request(
        *(Path('images'), source, Path('out')),
        classes=CLASSES,
        unlabelled=('9',) if name == 'index-png' else (),
    )

    start = prepare(request, BASES, Machine(1, 0))

    train = start.sets.train
    assert train.summary['settings']['format'] == name
    assert (train.labelled, train.unlabelled) == (['0', '1'], ['2'])
    assert train.kind == 'coarse'
    assert train.classes == CLASSES
    for index in range(2):
        found = read_label(train.labels / f'{index}.png')
        np.testing.assert_array_equal(found, label_of(index))
    cfg = Config.fromfile(start.config)
    assert cfg.train_pipeline[1].unlabelled == 'allow'
    assert start.commands[0].split()[2] == name


def test_prepare_reads_a_file_of_all_images_a_few_times(
    images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = annotate('coco', images)
    content, loads, calls = source.read_text(), json.loads, []

    def count(text: str, **options: object) -> object:
        calls.append(text == content)
        return loads(text, **options)

    monkeypatch.setattr(json, 'loads', count)

    prepare(Request(Path('images'), source, Path('out')), BASES, Machine(1, 0))

    # To find the format, the classes, the images, and to convert.
    assert sum(calls) <= 4


def test_prepare_reads_val_labels_in_the_format_that_is_named(
    images: list[Path],
) -> None:
    for folder, path in zip(('drawn', 'drawn', 'val'), images):
        label = np.tile(np.uint8([0, 1, 2, 150]), (60, 20))
        Path(folder).mkdir(exist_ok=True)
        write_label(Path(folder, f'{path.stem}.png'), label)
    request = Request(
        *(Path('images'), Path('drawn'), Path('out')),
        format='ade20k',
        val=Path('val'),
    )

    prepare(request, BASES, Machine(1, 0))

    expected = [255, 0, 1, 149]
    for name in ('labels/0', 'labels/1', 'val_labels/2'):
        row = read_label(Path(f'out/{name}.png'))[0]
        assert row[:4].tolist() == expected

    # Labels that are converted keep their ids.
    converted = replace(request, val=Path('out/val_labels'), out=Path('more'))
    prepare(converted, BASES, Machine(1, 0))
    row = read_label(Path('more/val_labels/2.png'))[0]
    assert row[:4].tolist() == expected


def test_prepare_needs_two_classes(images: list[Path]) -> None:
    labels = [np.zeros((60, 80), np.uint8) for _ in images]
    export(images, labels, Path('drawn'), 'coco', classes=['cell'])
    request = Request(Path('images'), Path('drawn'), Path('out'))
    with pytest.raises(ValueError, match='of cell, expected two classes or m'):
        prepare(request, BASES, Machine(1, 0))


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('index-png', 'void', 'expected values of pixels'),
        ('coco', 'void', 'no shape of'),
    ],
)
def test_prepare_refuses_other_unlabelled(
    images: list[Path], name: str, value: str, said: str
) -> None:
    source = annotate(name, images)
    request = Request(
        *(Path('images'), source, Path('out')),
        classes=CLASSES,
        unlabelled=(value,),
    )
    with pytest.raises(ValueError, match=said):
        prepare(request, BASES, Machine(1, 0))
