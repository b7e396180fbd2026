"""Archives have the formats that the servers demand."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mmseg.datasets import PascalVOCDataset
from PIL import Image

from mmseg_sesam.evaluation.submission import (
    SERVERS,
    Server,
    find_images,
    read_predictions,
    write_archive,
)


def every_class(server: Server) -> np.ndarray:
    count = len(server.ids)
    return np.arange(count * 4).reshape(4, count) % count


@pytest.mark.parametrize('kind', SERVERS)
def test_write_archive_of_all_images(kind: str, tmp_path: Path) -> None:
    server = SERVERS[kind]._replace(images=1)
    out = tmp_path / f'out{server.suffix}'
    label = every_class(server)
    image = tmp_path / f'{server.example}.jpg'
    Image.new('RGB', label.shape[::-1]).save(image)

    found = write_archive([(server.example, label)], server, out, [image])

    assert found == (1, [])


def test_write_archive_for_voc_is_indexed(tmp_path: Path) -> None:
    out = tmp_path / 'out.tar.gz'
    server = SERVERS['voc']
    write_archive([('2008_000006', every_class(server))], server, out)

    with tarfile.open(out) as archive:
        assert archive.getnames() == [
            'results/VOC2012/Segmentation/comp6_test_cls/2008_000006.png'
        ]
        content = archive.extractfile(archive.getnames()[0]).read()
    image = Image.open(io.BytesIO(content))
    assert image.mode == 'P'
    assert (np.array(image) == every_class(server)).all()
    # A person is (192, 128, 128) in VOC's palette.
    assert image.getpalette()[3 * 15 : 3 * 16] == [192, 128, 128]


def read_zip(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        content = archive.read(archive.namelist()[0])
    image = Image.open(io.BytesIO(content))
    assert (image.format, image.mode) == ('PNG', 'L')
    return np.array(image)


def test_write_archive_for_cityscapes_has_label_ids(tmp_path: Path) -> None:
    out = tmp_path / 'out.zip'
    # road, car and bicycle by their train ids.
    label = np.array([[0, 13, 18]])
    write_archive([('bonn_000000_000019', label)], SERVERS['cityscapes'], out)
    assert read_zip(out).tolist() == [[7, 26, 33]]


def test_write_archive_for_ade20k_counts_from_one(tmp_path: Path) -> None:
    out = tmp_path / 'out.zip'
    (tmp_path / 'predictions').mkdir()
    path = tmp_path / 'predictions' / 'ADE_test_00000001.png'
    Image.fromarray(np.array([[1, 150]], np.uint8)).save(path)

    predictions = read_predictions(path.parent, first_id=1)
    write_archive(predictions, SERVERS['ade20k'], out)

    assert read_zip(out).tolist() == [[1, 150]]
    Image.fromarray(np.array([[0, 149]], np.uint8)).save(path)
    write_archive(read_predictions(path.parent), SERVERS['ade20k'], out)
    assert read_zip(out).tolist() == [[1, 150]]
    with pytest.raises(ValueError, match='holds 0, expected ids from 1'):
        list(read_predictions(path.parent, first_id=1))


@pytest.mark.parametrize(
    'predictions, said',
    [
        ([('cat', [[0]])], 'names are like 2008_000006'),
        ([('2008_000006', [[255]])], 'ids from 255 to 255, expected 0 to 20'),
        ([('2008_000006', [[0]])] * 2, 'two predictions named 2008_000006'),
    ],
)
def test_write_archive_rejects_other_predictions(
    tmp_path: Path, predictions: list, said: str
) -> None:
    out = tmp_path / 'out.tar.gz'
    labels = [(name, np.array(label)) for name, label in predictions]
    with pytest.raises(ValueError, match=said):
        write_archive(labels, SERVERS['voc'], out)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Two test images, as `find_images` lists them."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for name in ('bonn_000000_000019', 'bonn_000001_000019'):
        Image.new('RGB', (4, 3)).save(folder / f'{name}.png')
    return find_images(folder)


def test_write_archive_names_missing_images(
    images: list[Path], tmp_path: Path
) -> None:
    predictions = [('bonn_000000_000019', np.zeros((3, 4), int))]
    found = write_archive(
        predictions, SERVERS['cityscapes'], tmp_path / 'out.zip', images
    )
    assert found == (
        1,
        [
            '1 test images have no prediction, for example '
            'bonn_000001_000019.',
            'The server expects 1525 images, the archive holds 1.',
        ],
    )


@pytest.mark.parametrize(
    'name, shape, said',
    [
        ('bonn_000002_000019', (3, 4), 'is of none of 2 test images'),
        ('bonn_000000_000019', (4, 3), 'has 3 x 4 pixels, expected 4 x 3 as'),
    ],
)
def test_write_archive_rejects_predictions_of_other_images(
    images: list[Path],
    tmp_path: Path,
    name: str,
    shape: tuple[int, int],
    said: str,
) -> None:
    out = tmp_path / 'out.zip'
    predictions = [(name, np.zeros(shape, int))]
    with pytest.raises(ValueError, match=f'{name}.png {said}'):
        write_archive(predictions, SERVERS['cityscapes'], out, images)
    assert not out.exists()


def test_find_images_reads_a_byte_order_mark(tmp_path: Path) -> None:
    names = tmp_path / 'test.txt'
    names.write_text('a\r\nb\r\n', encoding='utf-8-sig')
    for name in 'abc':
        Image.new('RGB', (4, 3)).save(tmp_path / f'{name}.tif')
    found = find_images(tmp_path, names)
    assert [path.name for path in found] == ['a.tif', 'b.tif']


def test_servers_voc_palette_is_that_of_mmseg():
    expected = PascalVOCDataset.METAINFO['palette']
    assert list(map(list, SERVERS['voc'].palette)) == expected
