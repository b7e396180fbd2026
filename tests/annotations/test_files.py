"""Reading files that anyone may have written."""

from __future__ import annotations

import struct
import sys
import zlib

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
    values, largest = files.read_index(path)
    np.testing.assert_array_equal(values, ids)
    assert largest == (65535 if bits == 16 else 255)


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
