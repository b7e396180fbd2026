"""Opening image files of which nothing is known yet."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
from mmengine.utils import digit_version
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from mmseg_sesam.annotations.files import read_index, read_rgb
from mmseg_sesam.io.images import (
    image_size,
    open_image,
    read_image,
    upright_size,
)
from mmseg_sesam.io.labels import read_label

SIZE = (6, 4)
TURNS_WEBP = digit_version(cv2.__version__) >= digit_version('4.13')


@pytest.fixture
def disguised(tmp_path: Path) -> Path:
    """An EPS, a program for Ghostscript, whose name says PNG."""
    path = tmp_path / 'label.png'
    Image.new('L', SIZE).save(path, 'EPS')
    return path


def turned(path: Path, orientation: int) -> Path:
    image = Image.new('RGB', SIZE)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


def test_open_image_starts_no_program(
    disguised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    for name in ('Popen', 'run', 'check_call'):
        monkeypatch.setattr(subprocess, name, started.append)
    with pytest.raises(UnidentifiedImageError):
        open_image(disguised)
    with pytest.raises(UnidentifiedImageError):
        open_image(BytesIO(disguised.read_bytes()))
    for read in (read_index, read_rgb, image_size):
        with pytest.raises(ValueError, match=r'label\.png cannot be read'):
            read(disguised)
    assert not started


@pytest.mark.parametrize('suffix', ['png', 'jpg', 'bmp', 'tif', 'webp'])
def test_open_image_reads_formats_of_training(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f'a.{suffix}'
    Image.new('RGB', SIZE).save(path)
    with open_image(path) as image:
        assert np.array(image).shape == (4, 6, 3)


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'tif', 'webp'])
@pytest.mark.parametrize('orientation', range(1, 10))
def test_upright_size_equals_the_size_in_mmcv(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    if suffix == 'webp' and not TURNS_WEBP:
        pytest.skip('OpenCV before 4.13 turns no WebP files')
    path = turned(tmp_path / f'a.{suffix}', orientation)
    height, width = mmcv.imread(str(path)).shape[:2]
    with open_image(path) as image:
        assert upright_size(image) == (width, height)
    assert image_size(path) == (width, height)


def test_image_size_decodes_no_upright_tiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = turned(tmp_path / 'a.tif', 1)
    loaded = []
    monkeypatch.setattr(
        TiffImagePlugin.TiffImageFile, 'load', lambda image: loaded.append(1)
    )
    assert image_size(path) == SIZE and not loaded


@pytest.mark.parametrize('kind', ['turned', 'grey', '16 bits'])
def test_read_image_shows_what_mmcv_reads(tmp_path: Path, kind: str) -> None:
    path = tmp_path / 'a.png'
    if kind == 'turned':
        turned(path, 6)
    else:
        values = np.arange(24).reshape(4, 6) * (1 if kind == 'grey' else 2000)
        dtype = np.uint8 if kind == 'grey' else np.uint16
        Image.fromarray(values.astype(dtype)).save(path)
    expected = mmcv.imread(str(path), channel_order='rgb')
    np.testing.assert_array_equal(read_image(path, 'replace it'), expected)


def test_read_image_takes_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / 'caf\udce9.png'
    Image.new('RGB', SIZE, (9, 5, 1)).save(path)
    assert read_image(path, 'replace it')[0, 0].tolist() == [9, 5, 1]


def test_read_image_refuses_deep_tiff_and_damaged_files(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'a.tif'
    Image.fromarray(np.zeros((4, 6), np.uint16)).save(path)
    with pytest.raises(ValueError, match='more than 8 bits.*; replace it'):
        read_image(path, 'replace it')
    path.write_bytes(b'no image')
    with pytest.raises(ValueError, match='cannot be read as an image'):
        read_image(path, 'replace it')


def test_decoding_tells_to_cut_an_image_that_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'large.png'
    Image.new('L', SIZE).save(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10)
    with pytest.raises(ValueError, match=r'large\.png is larger .*; cut it'):
        read_label(path)
