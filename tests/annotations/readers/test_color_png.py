"""Renderings in colours."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from mmseg.utils import get_palette
from PIL import Image

from mmseg_sesam.annotations import READERS
from mmseg_sesam.annotations.base import Item

CAMVID = """name,r,g,b
Sky,128,128,128
Building,128,0,0
Archway,192,0,128
Void,0,0,0
"""
CVAT = """# label:color_rgb:parts:actions
Sky:128,128,128::
Building:128,0,0::
Archway:192,0,128::
Void:0,0,0::
"""
TABS = '128 128 128\tSky\n128 0 0\tBuilding\n192 0 128\tArchway\n0 0 0\tVoid\n'
IMAGE = np.array(
    [[[128, 128, 128], [128, 0, 0]], [[192, 0, 128], [0, 0, 0]]], np.uint8
)


@pytest.mark.parametrize(
    'table', [CAMVID, CVAT, TABS], ids=['camvid', 'cvat', 'tabs']
)
def test_color_png_reads_tables_of_several_tools(
    labels, write, table, summary, out
):
    """CamVid's class_dict.csv and label_colors.txt, CVAT's labelmap.txt.

    https://docs.cvat.ai/docs/dataset_management/formats/format-smask and
    http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/.
    """
    colors = str(write('table.txt', table))
    src = write('png/a.png', IMAGE).parent
    found = labels('color-png', src, colors=colors)
    assert found['a'].tolist() == [[0, 1], [2, 255]]
    names = [c['name'] for c in summary()['classes']]
    assert names == ['Sky', 'Building', 'Archway']


def test_color_png_gives_several_colours_one_class(labels, write):
    text = CAMVID.replace('Archway', 'Building')
    src = write('png/a.png', IMAGE).parent
    found = labels('color-png', src, colors=str(write('t.csv', text)))
    assert found['a'].tolist() == [[0, 1], [1, 255]]


def test_color_png_uses_colours_of_a_known_data_set(labels, write):
    palette = np.array(get_palette('voc'), np.uint8)
    image = np.concatenate([palette, [[224, 224, 192]]]).astype(np.uint8)
    src = write('png/a.png', image[None]).parent
    settings = dict(colors='voc', unlabelled=['224,224,192'])
    found = labels('color-png', src, **settings)
    assert found['a'].tolist() == [[*range(21), 255]]


# Of road and skyscraper, and of wall, in mmseg's palette of ADE20K.
SHARED = np.array([[[140, 140, 140], [120, 120, 120]]], np.uint8)


def test_color_png_refuses_colours_of_several_classes(refusal, write):
    src = write('png/a.png', SHARED).parent
    said = refusal('color-png', src, colors='ade')
    assert "('road', 'skyscraper')" in said.replace('"', "'")


def test_color_png_leaves_colours_of_several_classes_out(labels, write):
    src = write('png/a.png', SHARED).parent
    settings = dict(colors='ade', unlabelled=['140,140,140'])
    assert labels('color-png', src, **settings)['a'].tolist() == [[255, 0]]


def test_color_png_remarks_on_exports_of_cvat(labels, write, summary):
    colors = str(write('labelmap.txt', CVAT))
    labels('color-png', write('png/a.png', IMAGE).parent, colors=colors)
    assert 'leaves polylines' in summary()['remarks'][0]
    assert '--unlabelled background' in summary()['remarks'][0]


def test_color_png_rejects_unknown_colours(refusal, write):
    image = IMAGE.copy()
    image[0, 0] = 1, 2, 3
    colors = str(write('t.csv', CAMVID))
    src = write('png/a.png', image).parent
    said = refusal('color-png', src, colors=colors)
    assert 'a.png holds 1 colours' in said and '(1, 2, 3)' in said


def test_color_png_needs_a_table(refusal, write):
    src = write('png/a.png', IMAGE).parent
    for colors in (None, 'nowhere.csv'):
        assert '--colors' in refusal('color-png', src, colors=colors)


def test_color_png_rejects_a_changed_table(labels, refusal, write, out):
    path = write('t.csv', CAMVID)
    src = write('png/a.png', IMAGE).parent
    labels('color-png', src, colors=str(path))
    (out / 'summary.json').unlink()
    path.write_text(CAMVID.replace('128,0,0', '128,0,1'))
    assert 'made with table=' in refusal('color-png', src, colors=str(path))


def test_color_png_reads_tiff(labels, write):
    table = write('table.txt', 'dog 1,2,3\ncat 4,5,6\n')
    image = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    src = write('labels/a.tif', image).parent
    assert labels('color-png', src, colors=str(table))['a'].tolist() == [
        [0, 1]
    ]


LAYER = np.array([[[128, 0, 0], [0, 0, 0], [0, 0, 0]]], np.uint8)


def layer(kind):
    """A class, its background, and a transparent pixel, which is black."""
    image = Image.fromarray(LAYER)
    if kind == 'RGBA':
        image.putalpha(Image.fromarray(np.array([[255, 255, 0]], np.uint8)))
    else:
        image = Image.fromarray(np.array([[1, 0, 2]], np.uint8))
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 0, 0])
    return image


@pytest.mark.parametrize('kind', ['RGBA', 'P'])
def test_color_png_leaves_transparent_pixels_unlabelled(
    labels, write, summary, kind
):
    """Paint programs keep scribbles in a layer above the photo."""
    save = dict(transparency=2) if kind == 'P' else {}
    src = write('png/a.png', layer(kind), **save).parent
    assert labels('color-png', src, colors='voc')['a'].tolist() == [
        [1, 0, 255]
    ]
    (note,) = summary()['skipped']
    assert note['reason'] == 'transparent pixels, unlabelled'
    assert note['names'][0].endswith('a.png: 1')


def test_color_png_leaves_a_transparent_colour_unlabelled(labels, write):
    image = Image.fromarray(LAYER)
    src = write('png/a.png', image, transparency=(0, 0, 0)).parent
    found = labels('color-png', src, colors='voc')
    assert found['a'].tolist() == [[1, 255, 255]]


def test_color_png_leaves_a_transparent_grey_of_2_bits_unlabelled(
    labels, write
):
    def chunk(name, data):
        check = struct.pack('>I', zlib.crc32(name + data))
        return struct.pack('>I', len(data)) + name + data + check

    # Pillow writes no grey of 2 bits: a row of 0, 2 and 0.
    content = b''.join(
        [
            b'\x89PNG\r\n\x1a\n',
            chunk(b'IHDR', struct.pack('>IIBBBBB', 3, 1, 2, 0, 0, 0, 0)),
            chunk(b'tRNS', struct.pack('>H', 2)),
            chunk(b'IDAT', zlib.compress(bytes([0, 0b00_10_00_00]))),
            chunk(b'IEND', b''),
        ]
    )
    src = write('png/readme.md', '').parent
    (src / 'a.png').write_bytes(content)
    table = write('colors.csv', 'name,r,g,b\nrest,0,0,0\ngrey,170,170,170\n')
    found = labels('color-png', src, colors=str(table))
    assert found['a'].tolist() == [[0, 255, 0]]


def test_color_png_leaves_soft_edges_unlabelled(labels, write, summary):
    image = Image.fromarray(LAYER)
    image.putalpha(Image.fromarray(np.array([[90, 255, 0]], np.uint8)))
    src = write('png/a.png', image).parent
    found = labels('color-png', src, colors='voc')
    assert found['a'].tolist() == [[255, 0, 255]]
    reasons = [note['reason'] for note in summary()['skipped']]
    assert 'partly transparent pixels, unlabelled' in reasons


def test_color_png_reads_grey_with_alpha(labels, write):
    pixels = np.array([[[0, 255], [128, 255], [0, 0]]], np.uint8)
    src = write('png/a.png', pixels).parent
    settings = dict(colors=str(write('t.csv', CAMVID)), unlabelled=[])
    assert labels('color-png', src, **settings)['a'].tolist() == [[3, 0, 255]]


def test_color_png_rejects_undrawn(refusal, write):
    src = write('a.png', np.zeros((4, 6, 3), np.uint8)).parent
    said = refusal('color-png', src, colors='voc', undrawn='background')
    assert "--undrawn is 'background'" in said and 'leave it out' in said


def test_color_png_rejects_unlabelled_names_that_the_table_lacks(
    refusal, labels, write
):
    colors = str(write('t.csv', CAMVID))
    src = write('png/a.png', IMAGE).parent
    said = refusal('color-png', src, colors=colors, unlabelled=['sky'])
    assert "--unlabelled has 'sky', expected a colour" in said
    assert "'Archway', 'Building', 'Sky', 'Void'; correct it" in said
    settings = dict(colors=colors, unlabelled=['Sky', 'void', '0,0,0'])
    found = labels('color-png', src, **settings)
    assert found['a'].tolist() == [[255, 0], [1, 255]]


def test_color_png_rejects_a_class_that_means_unlabelled(refusal, write):
    names = ['Sky', 'Building', 'Archway', 'Void']
    settings = dict(colors=str(write('t.csv', CAMVID)), classes=names)
    src = write('png/a.png', IMAGE).parent
    said = refusal('color-png', src, **settings)
    assert "'Void' is in --classes and means unlabelled" in said


def test_color_png_adds_unlabelled_names_to_the_default(
    labels, write, summary
):
    colors = str(write('t.csv', CAMVID))
    src = write('png/a.png', IMAGE).parent
    labels('color-png', src, colors=colors, unlabelled=['Sky'])
    names = [entry['name'] for entry in summary()['classes']]
    assert names == ['Building', 'Archway']


def test_color_png_remarks_on_a_class_named_void(labels, write, summary):
    colors = str(write('t.csv', CAMVID))
    src = write('png/a.png', IMAGE).parent
    found = labels('color-png', src, colors=colors, unlabelled=[])
    assert found['a'].tolist() == [[0, 1], [2, 3]]
    assert "'Void' is a class to be learned" in summary()['remarks'][0]


def test_color_png_reads_every_row_with_little_memory(write, peak):
    """Former versions needed 67 bytes a pixel."""
    table = str(write('t.csv', CAMVID))
    names = np.random.default_rng(0).integers(0, 4, (1000, 1))
    colours = np.array([[128] * 3, [128, 0, 0], [192, 0, 128], [0] * 3])
    image = np.repeat(colours[names].astype(np.uint8), 2000, axis=1)
    path = write('png/a.png', image)
    reader = READERS['color-png'](path, colors=table)
    found = []
    need = peak(lambda: found.append(reader.read(Item('a', path))))
    expected = np.where(names == 3, 255, names)
    np.testing.assert_array_equal(found[0].label, expected.repeat(2000, 1))
    # The table of all colours is as large for any image.
    assert need - 2 * 2**24 < 20 * names.size * 2000
