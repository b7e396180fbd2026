"""Reading files that anyone may have written."""

from __future__ import annotations

import struct
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.annotations import files
from mmseg_sesam.io.images import image_size

BOMB = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<annotation>&b;</annotation>"""


def test_read_xml_expands_no_entities(write):
    path = write('bomb.xml', BOMB)
    with pytest.raises(ValueError, match='bomb.xml cannot be read as XML'):
        files.read_xml(path, 'annotation')


def test_read_xml_reads_no_other_file(write, tmp_path):
    secret = write('secret.txt', 'secret')
    path = write(
        'x.xml',
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
        '<annotation>&e;</annotation>',
    )
    with pytest.raises(ValueError) as error:
        files.read_xml(path, 'annotation')
    assert 'x.xml' in str(error.value) and '\n' not in str(error.value)


def test_read_json_of_any_depth(write):
    path = write('x.json', '[' * 100_000)
    with pytest.raises(ValueError, match='x.json cannot be read as JSON'):
        files.read_json(path)


def test_read_json_with_a_byte_order_mark(write):
    assert files.read_json(write('x.json', '\ufeff{"a": 1}')) == dict(a=1)


def test_optional_import_names_a_missing_library(monkeypatch):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(ValueError) as error:
        files.optional_import('h5py')
    assert 'h5py' in str(error.value)
    assert 'pip install -e ".[convert]"' in str(error.value)


@pytest.mark.parametrize('bits', [1, 2, 4, 8, 16])
def test_read_index_of_any_depth(write, bits):
    ids = np.arange(12).reshape(3, 4) % min(2**bits, 12)
    if bits == 16:
        path = write('x.png', ids.astype(np.uint16))
    elif bits == 1:
        path = write('x.png', ids.astype(bool))
    elif bits == 8:
        path = write('x.png', ids.astype(np.uint8))
    else:
        path = _write_grey(write('x.png', ''), ids, bits)
    found = files.read_index(path)
    np.testing.assert_array_equal(found.values, ids)
    assert found.largest == (65535 if bits == 16 else 255)


@pytest.mark.parametrize('mode', ['L', 'LA', 'RGB', 'RGBA'])
def test_read_index_of_grey_in_several_channels(write, mode):
    """OpenCV and paint programs write grey in three channels, or four."""
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    path = write('x.png', Image.fromarray(ids).convert(mode))
    found = files.read_index(path)
    np.testing.assert_array_equal(found.values, ids)
    assert found.equal == mode.startswith('RGB')


@pytest.mark.parametrize('mode', ['LA', 'RGBA', 'RGB'])
def test_read_index_rejects_transparent_pixels(write, mode):
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert(mode)
    save = dict(transparency=(1, 1, 1)) if mode == 'RGB' else {}
    if mode != 'RGB':
        image.putalpha(Image.fromarray(np.array([[255, 0]], np.uint8)))
    with pytest.raises(ValueError, match='x.png has transparent pixels'):
        files.read_index(write('x.png', image, **save))


def test_read_index_rejects_channels_of_16_bits(write):
    """Pillow reads the upper 8 bits: all ids become 0."""
    path = write('x.png', '')
    cv2.imwrite(str(path), np.full((2, 2, 3), 7, np.uint16))
    with pytest.raises(ValueError, match='x.png has 3 channels of 16 bits'):
        files.read_index(path)


def _write_grey(path, ids, bits):
    """A grey PNG of few bits, as optimisers of PNG write it."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return (
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', crc)
        )

    height, width = ids.shape
    rows = b''
    for row in ids:
        text = ''.join(f'{value:0{bits}b}' for value in row)
        text += '0' * (-len(text) % 8)
        rows += b'\0' + int(text, 2).to_bytes(len(text) // 8, 'big')
    header = struct.pack('>IIBBBBB', width, height, bits, 0, 0, 0, 0)
    path.write_bytes(
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + chunk(b'IDAT', zlib.compress(rows))
        + chunk(b'IEND', b'')
    )
    return path


def test_readers_of_images_reject_too_large_ones(write, monkeypatch):
    path = write('x.png', np.zeros((40, 40), np.uint8))
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 500)
    for read in (files.read_index, files.read_rgb, image_size):
        with pytest.raises(ValueError, match='x.png is larger'):
            read(path)


@pytest.mark.parametrize(
    'size',
    [(0, 3), (-1, -1), (10**6, 10**6), (None, 3), ('x', 3), (1e400, 3)],
    ids=['zero', 'negative', 'too large', 'none', 'text', 'infinite'],
)
def test_checked_size_rejects_sizes_without_an_image(size):
    with pytest.raises(ValueError, match='file.json gives the image size'):
        files.checked_size(*size, 'file.json')
