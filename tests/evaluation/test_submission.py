"""Archives have the formats that the servers demand."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.evaluation.submission import (
    SERVERS,
    Server,
    check_archive,
    find_images,
    read_predictions,
    write_archive,
)


def every_class(server: Server) -> np.ndarray:
    count = len(server.ids)
    return np.arange(count * 4).reshape(4, count) % count


def small(kind: str) -> Server:
    return SERVERS[kind]._replace(images=1)


@pytest.mark.parametrize('kind', SERVERS)
def test_write_archive_passes_check_archive(kind: str, tmp_path: Path) -> None:
    server = small(kind)
    out = tmp_path / f'out{server.suffix}'
    label = every_class(server)

    assert write_archive([(server.example, label)], server, out) == 1

    images = tmp_path / 'images'
    images.mkdir()
    Image.new('RGB', label.shape[::-1]).save(images / f'{server.example}.jpg')
    assert check_archive(out, server, find_images(images)) == []


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
    return np.array(Image.open(io.BytesIO(content)))


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


def test_check_archive_names_every_problem(tmp_path: Path) -> None:
    out, images = tmp_path / 'out.zip', tmp_path / 'images'
    images.mkdir()
    for name in ('bonn_000000_000019', 'bonn_000001_000019'):
        Image.new('RGB', (4, 3)).save(images / f'{name}.png')
    pngs = {
        'a/bonn_000000_000019.png': Image.new('L', (4, 3), 7),
        'bonn_000002_000019.png': Image.new('L', (4, 3), 0),
        'bonn_000000_000020.png': Image.new('RGB', (4, 3)),
        'Bonn.png': Image.new('L', (9, 9), 7),
    }
    with zipfile.ZipFile(out, 'w') as archive:
        for name, image in pngs.items():
            buffer = io.BytesIO()
            image.save(buffer, 'PNG')
            archive.writestr(name, buffer.getvalue())
        archive.writestr('bonn_000001_000020.png', b'no image')

    said = ' '.join(
        check_archive(out, SERVERS['cityscapes'], find_images(images))
    )

    assert "1 files not in the folder ''" in said
    assert '1 files hold values that are no class' in said
    assert '1 files are no grey 8-bit PNGs' in said
    assert '1 files cannot be read' in said
    assert '1 files names unlike berlin_000000_000019' in said
    assert '4 files without a test image' in said
    assert '1 test images have' in said and 'bonn_000001_000019' in said
    assert 'expects 1525 images, the archive holds 5' in said


def test_find_images_reads_a_byte_order_mark(tmp_path: Path) -> None:
    names = tmp_path / 'test.txt'
    names.write_text('a\r\nb\r\n', encoding='utf-8-sig')
    for name in 'abc':
        Image.new('RGB', (4, 3)).save(tmp_path / f'{name}.tif')
    found = find_images(tmp_path, names)
    assert [path.name for path in found] == ['a.tif', 'b.tif']


def test_check_archive_names_a_repeated_file(tmp_path: Path) -> None:
    server = small('cityscapes')
    out = tmp_path / 'out.zip'
    write_archive([(server.example, every_class(server))], server, out)
    with zipfile.ZipFile(out, 'a') as archive:
        content = archive.read(archive.namelist()[0])
        archive.writestr(f'again/{server.example}.png', content)

    said = ' '.join(check_archive(out, server))

    assert '1 files have the name of another file' in said
