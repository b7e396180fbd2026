"""Checks of image and label files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import numpy as np
import pytest
from PIL import Image
from pipelines import place_of

from mmseg_sesam.datasets.validation.files import inspect_pair
from mmseg_sesam.io.labels import write_label


def truncate(path: Path, data: Any) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.6)])


def turn(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(path) as image:
        image.load()
    image.save(path, exif=exif)


def render(path: Path, data: Any) -> None:
    colours = np.zeros((256, 3), np.uint8)
    colours[:3] = data.palette
    Image.fromarray(colours[data.weak_label()]).save(path)


def triple(path: Path, data: Any) -> None:
    # As in Scribbles4All: 0 is unlabelled, and black as some classes are.
    label = data.weak_label() + np.uint8(1)
    Image.fromarray(np.stack([label] * 3, axis=-1)).save(path)


def photograph(path: Path, data: Any) -> None:
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (*data.shape, 3), dtype=np.uint8)
    Image.fromarray(array).save(path)


def sort_palette(path: Path, data: Any) -> None:
    label = data.weak_label()
    label[label != 255] = 2 - label[label != 255]
    write_label(path, label, data.palette[::-1])


def save_as(change: Callable, **options: Any) -> Callable:
    """Returns a damage that writes the weak label after a change."""
    return lambda path, data: change(Image.fromarray(data.weak_label())).save(
        path, **options
    )


# Damage -> file, function, level, part of the finding.
DAMAGES = {
    'image cut': ('images/b.jpg', truncate, 'error', 'images cannot be deco'),
    'image empty': (
        'images/b.jpg',
        lambda path, data: path.write_bytes(b''),
        'error',
        'images cannot be decoded whole',
    ),
    'image text': (
        'images/b.jpg',
        lambda path, data: path.write_text('404: not found'),
        'error',
        'images cannot be decoded whole',
    ),
    'image for Pillow alone': (
        'images/b.jpg',
        save_as(lambda image: image.convert('RGB'), format='PCX'),
        'error',
        'images cannot be decoded whole',
    ),
    'label for Ghostscript': (
        'weak/b.png',
        save_as(lambda image: image, format='EPS'),
        'error',
        'labels cannot be decoded whole',
    ),
    'mirrored': (
        'images/b.jpg',
        lambda path, data: turn(path, 2),
        'warning',
        'images are turned while they are loaded',
    ),
    'label cut': ('weak/b.png', truncate, 'error', 'labels cannot be decoded'),
    'rendering': (
        'weak/b.png',
        render,
        'error',
        'annotations.py color-png --colors',
    ),
    'triple': ('weak/b.png', triple, 'error', 'annotations.py scribbles4all`'),
    'photograph': ('weak/b.png', photograph, 'error', 'are colour images'),
    '16 bits': (
        'weak/b.png',
        save_as(lambda image: image.convert('I;16')),
        'error',
        'one channel of 8 bits',
    ),
    'JPEG': (
        'weak/b.png',
        save_as(lambda image: image, format='JPEG'),
        'error',
        'which changes ids',
    ),
    'size': (
        'weak/b.png',
        save_as(lambda image: image.transpose(Image.Transpose.ROTATE_90)),
        'error',
        'weak/b.png: 20 x 30, image 30 x 20)',
    ),
    'palette': (
        'weak/b.png',
        sort_palette,
        'warning',
        'weak/b.png: 0 has the colour of 2); look at one',
    ),
    'unlabelled': (
        'weak/b.png',
        save_as(lambda image: image.point(lambda value: 255)),
        'warning',
        'labels leave every pixel unlabelled',
    ),
    'image gone': (
        'images/b.jpg',
        lambda path, data: path.unlink(),
        'error',
        'images are missing',
    ),
    'label gone': (
        'weak/b.png',
        lambda path, data: path.unlink(),
        'error',
        'labels are missing',
    ),
}


@pytest.mark.parametrize(
    'file, damage, level, text', DAMAGES.values(), ids=DAMAGES
)
def test_check_files_names_broken_files(
    data, file: str, damage: Callable, level: str, text: str
) -> None:
    data.list_names('\n'.join(data.names))
    data.train_alone()
    damage(data.root / file, data)

    report = data.validate()

    (finding,) = report.findings
    assert finding.level == level
    assert text in str(finding) and '(1: ' in str(finding)
    assert str(data.root / file) in finding.files[0]
    assert f'{level}: {finding}' in str(report)
    assert report.as_json()[f'{level}s'] == 1


def test_inspect_pair_turns_images_before_it_compares_sizes(data) -> None:
    turn(data.root / 'images/b.jpg', 6)
    data.train_alone()

    turned, size = data.validate().findings
    assert 'turned' in turned.problem
    assert f'{data.root}/weak/b.png: 30 x 20, image 20 x 30' in size.files

    place = place_of(data.train.pipeline, 'LoadImageFromFile')
    data.train.pipeline[place].color_type = 'color_ignore_orientation'
    assert data.validate().findings == []


def inspect_turned(
    root: Path,
    shape: tuple[int, int],
    orientation: int,
    label: np.ndarray | None,
) -> list[str]:
    """Returns the problems of an image that is turned, and of its label.

    Args:
        root: folder to be written.
        shape: height and width in the file of the image.
        orientation: its EXIF orientation.
        label: the label, None if there is no file.
    """
    image, path = root / 'a.png', root / 'label.png'
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    Image.fromarray(noise).save(image)
    turn(image, orientation)
    if label is not None:
        write_label(path, label)
    split = SimpleNamespace(
        view=[], is_readable=True, turns=True, colours=[None] * 256
    )
    found = inspect_pair(split, str(image), str(path))
    return sorted(found.problems)


@pytest.mark.parametrize('orientation', range(5, 9))
def test_inspect_pair_label_of_upright_size_fits_turned_image(
    tmp_path: Path, orientation: int
) -> None:
    label = np.zeros((30, 20), np.uint8)
    assert inspect_turned(tmp_path, (20, 30), orientation, label) == []
    assert inspect_turned(tmp_path, (20, 30), orientation, None) == []


@pytest.mark.parametrize(
    'orientation, shape',
    [(2, (20, 30)), (3, (20, 30)), (4, (20, 30)), (6, (20, 20))],
)
def test_inspect_pair_warns_of_turn_that_no_size_shows(
    tmp_path: Path, orientation: int, shape: tuple[int, int]
) -> None:
    label = np.zeros(shape, np.uint8)
    found = inspect_turned(tmp_path, shape, orientation, label)
    assert found == ['image turned']


def test_inspect_pair_warns_of_turn_beside_damaged_label(
    tmp_path: Path,
) -> None:
    (tmp_path / 'label.png').write_bytes(b'')
    found = inspect_turned(tmp_path, (20, 30), 6, None)
    assert found == ['image turned', 'label damaged']


RAMP = np.arange(600).reshape(20, 30)


@pytest.mark.parametrize(
    'image, text',
    [
        ((RAMP * 6).astype(np.uint16), 'images of 16 bits hold small values'),
        ((RAMP % 16).astype(np.uint8), 'images are nearly black'),
        (np.zeros((20, 30, 3), np.uint8), 'one colour in all pixels'),
        (np.full((20, 30, 3), 255, np.uint8), 'one colour in all pixels'),
    ],
    ids=['12 bits in 16', 'nearly black', 'black', 'white'],
)
def test_inspect_pair_dull_image(data, image: np.ndarray, text: str) -> None:
    for path in (data.root / 'images').rglob('*.jpg'):
        Image.open(path).save(path.with_suffix('.png'))
        path.unlink()
    Image.fromarray(image).save(data.root / 'images/a.png')
    for split in ('train', 'val', 'test'):
        data.cfg[f'{split}_dataloader'].dataset.img_suffix = '.png'

    found = str(data.only())
    assert text in found and f'(1: {data.root}/images/a.png); ' in found


def test_inspect_pair_pattern_that_a_reduced_jpeg_loses(data) -> None:
    rows, cols = np.mgrid[:64, :64]
    image = Image.fromarray(((rows + cols) % 2 * 200 + 20).astype('uint8'))
    image.save(data.root / 'images/a.jpg', quality=95)
    for folder in ('weak', 'dense'):
        label = np.zeros((64, 64), np.uint8)
        write_label(data.root / folder / 'a.png', label)
    assert data.validate().findings == []
