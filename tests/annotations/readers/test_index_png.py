"""Images that already hold class ids."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image

from mmseg_sesam.annotations import READERS
from mmseg_sesam.annotations.base import Item

IDS = np.array([[0, 1, 20], [21, 255, 7]], np.uint8)
EXPECTED = [[0, 1, 20], [255, 255, 7]]


@pytest.mark.parametrize('mode', ['L', 'P'])
def test_index_png_reads_labels_of_rloss_spml_and_tel(labels, write, mode):
    """Grey PNGs in RLoss, palette PNGs in SPML and TEL; 255 unlabelled.

    https://github.com/meng-tang/rloss (data/pascal_scribble), whose labels
    hold 0-20 and 255, look black; others on VOC use 21 for unlabelled.
    """
    image = Image.fromarray(IDS)
    if mode == 'P':
        image.putpalette([value % 256 for value in range(768)])
    src = write('town/a.png', image).parents[1]
    settings = dict(classes=['voc'], unlabelled=[21])
    found = labels('index-png', src, **settings)
    assert found['town/a'].tolist() == EXPECTED


def test_index_png_attaches_colours(labels, write, out, summary):
    src = write('a.png', IDS).parent
    labels('index-png', src, unlabelled=[21])
    with Image.open(out / 'a.png') as image:
        colours = np.array(image.convert('RGB'))
    assert colours[0, 1].tolist() == [128, 0, 0]
    assert colours[0, 0].tolist() != colours[1, 1].tolist()
    classes = summary()['classes']
    assert [c['name'] for c in classes] == ['0', '1', '7', '20']


@pytest.mark.parametrize('dtype, value', [(np.uint8, 255), (np.uint16, 65535)])
def test_index_png_takes_minus_one_for_the_largest_value(
    labels, write, dtype, value
):
    src = write('a.png', np.array([[0, value, 3]], dtype)).parent
    found = labels('index-png', src, unlabelled=[-1])
    assert found['a'].tolist() == [[0, 255, 3]]


@pytest.mark.parametrize(
    'settings',
    [dict(unlabelled=[-1]), dict(map=['0=0', '3=3', '-1=unlabelled'])],
    ids=['unlabelled', 'map'],
)
@pytest.mark.parametrize('dtype', [np.int16, np.int32])
def test_index_png_reads_values_below_zero(labels, write, dtype, settings):
    src = write('a.txt', '').parent
    tifffile.imwrite(src / 'a.tif', np.array([[0, -1, 3]], dtype))
    found = labels('index-png', src, **settings)
    assert found['a'].tolist() == [[0, 255, 3]]


def test_index_png_reads_19_of_cityscapes_as_unlabelled(labels, write):
    src = write('a.png', np.array([[18, 19]], np.uint8)).parent
    settings = dict(classes=['cityscapes'], unlabelled=[19])
    assert labels('index-png', src, **settings)['a'].tolist() == [[18, 255]]


def test_index_png_rejects_a_rendering(refusal, write):
    src = write('a.png', np.full((2, 2, 3), (1, 2, 3), np.uint8)).parent
    said = refusal('index-png', src)
    assert 'a.png has channels that differ' in said and 'color-png' in said


def test_index_png_reads_grey_in_three_channels(labels, write, summary):
    """Scribbles for All have such files, too, in which 0 is unlabelled."""
    ids = np.array([[0, 1, 255]], np.uint8)
    src = write('a.png', np.stack([ids] * 3, -1)).parent
    assert labels('index-png', src)['a'].tolist() == [[0, 1, 255]]
    (note,) = summary()['skipped']
    assert note['reason'].startswith('file of three equal channels')
    assert 'use the format scribbles4all' in note['reason']


@pytest.mark.parametrize(
    'settings, expected',
    [
        (dict(unlabelled=[0]), [[255, 1, 255]]),
        (dict(map=['0=0', '1=1', '255=2']), [[0, 1, 2]]),
    ],
    ids=['unlabelled', 'map'],
)
def test_index_png_takes_0_of_three_channels_as_declared(
    labels, write, summary, settings, expected
):
    ids = np.array([[0, 1, 255]], np.uint8)
    src = write('a.png', np.stack([ids] * 3, -1)).parent
    assert labels('index-png', src, **settings)['a'].tolist() == expected
    assert not summary()['skipped']


def test_index_png_rejects_ids_without_a_class(refusal, write):
    """A grey copy of a rendering: 'class 166'."""
    src = write('a.png', np.array([[0, 166, 38]], np.uint8)).parent
    said = refusal('index-png', src, classes=['voc'])
    assert 'a.png holds the values [38, 166]' in said and '--unl' in said


def test_index_png_rejects_ids_above_8_bits(refusal, write):
    src = write('a.png', np.array([[0, 300]], np.uint16)).parent
    assert '[300]' in refusal('index-png', src)


@pytest.mark.parametrize('suffix', ['.tif', '.TIFF', '.bmp', '.pgm'])
def test_index_png_reads_other_image_formats(labels, write, suffix):
    src = write(f'town/a{suffix}', IDS).parents[1]
    found = labels('index-png', src, classes=['voc'], unlabelled=[21])
    assert found['town/a'].tolist() == EXPECTED


def test_index_png_rejects_two_labels_of_one_image(refusal, write):
    src = write('a.png', IDS).parent
    write('a.tif', IDS)
    said = refusal('index-png', src)
    assert 'a.png and ' in said and 'a.tif would both be written' in said


def test_index_png_maps_ids_from_one(labels, write, summary):
    src = write('a.png', np.array([[0, 1, 2]], np.uint8)).parent
    found = labels('index-png', src, map=['1=0', '2=1', '0=unlabelled'])
    assert found['a'].tolist() == [[255, 0, 1]]


def test_index_png_maps_masks_of_0_and_255(labels, write):
    src = write('a.png', np.array([[0, 255]], np.uint8)).parent
    found = labels('index-png', src, map=['0=0', '255=1'])
    assert found['a'].tolist() == [[0, 1]]


def test_index_png_maps_names_and_16_bits(labels, write, summary):
    src = write('a.png', np.array([[1000, 7, 65535]], np.uint16)).parent
    settings = dict(map=['1000=dog', '7=0', '65535=unlabelled'])
    found = labels('index-png', src, classes=['cat', 'dog'], **settings)
    assert found['a'].tolist() == [[1, 0, 255]]
    names = [c['name'] for c in summary()['classes']]
    assert names == ['cat', 'dog']


def transparent(alphas):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    if isinstance(alphas, bytes):
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    return image


@pytest.mark.parametrize('alphas', [0, b'\0\x80\xff'], ids=['grey', 'palette'])
def test_index_png_asks_what_a_transparent_value_means(
    refusal, labels, write, out, alphas
):
    """A paint program hides what is not drawn, others the background."""
    src = write('a.png', transparent(alphas), transparency=alphas).parent
    said = refusal('index-png', src)
    assert 'a.png shows the value 0 as transparent' in said
    assert '--unlabelled 0, or --map with 0=CLASS' in said
    shutil.rmtree(out)
    found = labels('index-png', src, unlabelled=[0])
    assert found['a'].tolist() == [[255, 1, 2]]


def test_index_png_finds_the_transparent_value_of_1_bit(refusal, write):
    image = Image.fromarray(np.array([[False, True]]))
    src = write('a.png', '').parent
    image.save(src / 'a.png', transparency=1)
    assert 'shows the value 1 as transparent' in refusal('index-png', src)


def test_index_png_takes_a_transparent_value_that_the_map_names(labels, write):
    src = write('a.png', transparent(b'\0'), transparency=0).parent
    found = labels('index-png', src, map=['0=0', '1=1', '2=2'])
    assert found['a'].tolist() == [[0, 1, 2]]


def test_index_png_ignores_transparent_values_that_mean_nothing(labels, write):
    image = Image.fromarray(np.array([[0, 1, 255]], np.uint8))
    image.putpalette([*range(256)] * 3)
    alphas = bytes([255, 255, 0] + 252 * [255] + [0])
    src = write('a.png', image, transparency=alphas).parent
    assert labels('index-png', src)['a'].tolist() == [[0, 1, 255]]


def in_colours(values, *palette):
    image = Image.fromarray(np.array([values], np.uint8))
    image.putpalette(np.array(palette, np.uint8).tobytes())
    return image


BLACK, CAT, EDGE = (0, 0, 0), (64, 0, 0), (224, 224, 192)


def test_index_png_rejects_a_value_of_two_colours(refusal, labels, write):
    """Both files look alike: a program sorted the palette of one."""
    src = write('a.png', in_colours([0, 1], BLACK, CAT)).parent
    write('b.png', in_colours([1, 0], CAT, BLACK))
    said = refusal('index-png', src, classes=['background', 'cat'])
    assert 'b.png shows the value 0 in the colour (64, 0, 0), and ' in said
    assert 'a.png in (0, 0, 0), expected one colour' in said
    assert 'the format color-png, or give --map' in said
    found = labels('index-png', src, map=['0=0', '1=1'])
    assert found['b'].tolist() == [[1, 0]]


@pytest.mark.parametrize(
    'palette', [(CAT, BLACK, EDGE), (BLACK, EDGE, CAT)], ids=['all', 'some']
)
def test_index_png_rejects_colours_of_other_classes(refusal, write, palette):
    """pngquant sorts the colours of a file of VOC."""
    src = write('a.png', in_colours([0, 1, 2], *palette)).parent
    said = refusal('index-png', src, classes=['voc'])
    value = palette.index(CAT)
    assert f'shows the value {value} in the colour (64, 0, 0)' in said
    assert "expected 8, the value of 'cat'" in said


@pytest.mark.parametrize(
    'palette',
    [
        (BLACK, (128, 0, 0), CAT),
        (BLACK, (1, 1, 1), (2, 2, 2), CAT),
        ((1, 1, 1), (2, 2, 2), BLACK),
    ],
    ids=['unused colour', 'further unused colour', 'colours of its own'],
)
def test_index_png_takes_palettes_that_say_the_same(labels, write, palette):
    whole = in_colours([0, 1, 255], *palette[:2], *[EDGE] * 254)
    src = write('a.png', whole).parent
    values = [0, 1, 2] if palette[2] == BLACK else [0, 1]
    write('b.png', in_colours(values, *palette))
    write('c.png', np.array([[0, 1]], np.uint8))
    found = labels('index-png', src, classes=['voc'])
    assert found['a'].tolist() == [[0, 1, 255]]
    assert found['b'].tolist() == [values]


def test_index_png_compares_no_colours_of_unlabelled_values(labels, write):
    src = write('a.png', in_colours([0, 2], BLACK, CAT, EDGE)).parent
    write('b.png', in_colours([0, 2], BLACK, CAT, CAT))
    settings = dict(classes=['voc'], unlabelled=[2])
    assert labels('index-png', src, **settings)['b'].tolist() == [[0, 255]]


def test_index_png_leaves_damaged_palettes_to_the_reading(refusal, write):
    src = write('a.png', in_colours([0, 1], BLACK, CAT)).parent
    write('b.png', 'no image')
    assert 'b.png cannot be read' in refusal('index-png', src)


def test_index_png_counts_values_that_the_map_lacks(refusal, write):
    values = np.array([[0, 3, 3], [7, 255, 1]], np.uint8)
    src = write('a.png', values).parent
    said = refusal('index-png', src, map=['0=0', '1=1'])
    assert 'a.png holds 3 values that --map lacks' in said
    assert '3 (2 pixels), 7 (1 pixels), 255 (1 pixels)' in said


def test_index_png_rejects_map_entries_without_a_file(
    refusal, labels, write, out
):
    src = write('a.png', np.array([[0, 1]], np.uint8)).parent
    write('b.png', np.array([[2, 1]], np.uint8))
    said = refusal('index-png', src, map=['0=0', '1=1', '2=1', '9=0'])
    assert '--map has the values [9]' in said and '[0, 1, 2]' in said
    # The same command says it again, though all labels are written.
    said = refusal('index-png', src, map=['0=0', '1=1', '2=1', '9=0'])
    assert '--map has the values [9]' in said


@pytest.mark.parametrize(
    'settings, said',
    [
        (dict(map=['1']), "--map has '1'"),
        (dict(map=['1=2', '1=3']), "--map has '1=3'"),
        (dict(map=['a=2']), "--map has 'a=2'"),
        (dict(map=['--1=2']), "--map has '--1=2'"),
        (dict(map=['1=255']), 'from 0 to 254'),
        (dict(map=['1=2'], classes=['cat', 'dog']), 'from 0 to 1'),
        (dict(map=['1=dog'], classes=['cat', 'cow']), "'1=dog'"),
        (dict(map=['1=0'], unlabelled=[21]), '21=unlabelled'),
    ],
)
def test_read_map_rejects_other_entries(refusal, write, settings, said):
    src = write('a.png', IDS).parent
    assert said in refusal('index-png', src, **settings)


@pytest.mark.parametrize(
    'classes',
    [(), ('cat', 'dog'), ('cat', 'dog', 'cow')],
    ids=['no classes', 'two classes', 'three classes'],
)
def test_index_png_remarks_on_masks_without_a_map(
    labels, write, summary, classes
):
    src = write('a.png', np.array([[0, 255]], np.uint8)).parent
    labels('index-png', src, classes=classes)
    (remark,) = summary()['remarks']
    assert 'All labelled pixels are of one class' in remark
    assert '--map 0=0 255=1' in remark
    assert ("without a pixel, 1 of 2: 'dog'" in remark) == (len(classes) == 2)


def test_index_png_maps_masks_without_a_remark(labels, write, summary):
    src = write('a.png', np.array([[0, 255]], np.uint8)).parent
    labels('index-png', src, map=['0=0', '255=1'])
    assert not summary()['remarks']


def test_index_png_rejects_unlabelled_values_without_a_file(
    refusal, labels, write, out
):
    """255 and -1 are no errors: a part of a data set may lack them."""
    src = write('a.png', IDS).parent
    said = refusal('index-png', src, unlabelled=[21, 12])
    assert '--unlabelled has the values [12]' in said
    assert 'some of [0, 1, 7, 20, 21, 255]' in said
    write('a.png', np.array([[0, 1]], np.uint8))
    shutil.rmtree(out)
    assert labels('index-png', src, unlabelled=[-1, 255])


@pytest.mark.parametrize(
    'void, options',
    [
        (255, {}),
        (7, dict(unlabelled=[7])),
        (7, dict(map=['0=0', '1=1', '7=unlabelled'])),
    ],
    ids=['ids', 'unlabelled', 'map'],
)
def test_index_png_reads_every_row_with_little_memory(
    write, peak, void, options
):
    """Former versions needed 25 bytes a pixel, and 50 with a map."""
    rows = np.random.default_rng(0).integers(0, 2, (1000, 1), np.uint8)
    rows[::7] = void
    path = write('png/a.png', np.repeat(rows, 2000, axis=1))
    reader = READERS['index-png'](path, **options)
    found = []
    need = peak(lambda: found.append(reader.read(Item('a', path))))
    expected = np.where(rows == void, 255, rows).repeat(2000, 1)
    np.testing.assert_array_equal(found[0].label, expected)
    assert need < 10 * expected.size
