"""CVAT for images 1.1.

The files follow https://docs.cvat.ai/docs/other/xml_format; that
a mask's runs go along rows and begin with background is what CVAT's own
exporter and datumaro's reader of it agree on.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

META = """<meta><task><name>t</name><labels>
<label><name>road</name><color>#804080</color></label>
<label><name>car</name><color>#00008e</color></label>
</labels></task></meta>"""


def xml(*shapes: str, name: str = 'town/a.jpg', meta: str = META) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><annotations>'
        f'<version>1.1</version>{meta}<image id="0" name="{name}" '
        f'width="16" height="12">{"".join(shapes)}</image></annotations>'
    )


LINE = '<polyline label="road" points="1.00,2.00;9.00,2.00" z_order="0"/>'
POLYGON = (
    '<polygon label="car" points="2,4;6,4;6,7;2,7" z_order="1" occluded="0">'
    '<attribute name="colour">red</attribute></polygon>'
)
BOX = '<box label="road" xtl="0" ytl="8" xbr="3" ybr="10" z_order="0"/>'
DOT = '<points label="car" points="12,3;14,9" z_order="0"/>'
MASK = (
    '<mask label="car" rle="1, 2, 3" left="10" top="6" width="3" height="2" '
    'z_order="0"/>'
)


def test_all_shapes(labels, write, summary):
    src = write('annotations.xml', xml(LINE, POLYGON, BOX, DOT, MASK))
    found = labels('cvat', src, width=1, radius=0)['town/a']
    expected = np.full((12, 16), 255)
    expected[2, 1:10] = 0
    expected[4:8, 2:7] = 1
    expected[8:11, 0:4] = 0
    expected[3, 12] = expected[9, 14] = 1
    expected[6, 11:13] = 1
    np.testing.assert_array_equal(found, expected)
    assert "'Segmentation mask'" in summary()['remarks'][0]
    assert [c['name'] for c in summary()['classes']] == ['road', 'car']


def test_layers_and_then_the_order_of_the_file(labels, write):
    cover = '<box label="road" xtl="0" ytl="0" xbr="15" ybr="11" {}/>'
    shapes = POLYGON, cover.format('z_order="0"')
    src = write('annotations.xml', xml(*shapes)).parent
    assert labels('cvat', src)['town/a'][5, 4] == 1


def test_without_layers_the_later_shape_lies_above(labels, write):
    cover = '<box label="road" xtl="0" ytl="0" xbr="15" ybr="11"/>'
    src = write('a.xml', xml(POLYGON.replace('z_order="1"', ''), cover))
    assert (labels('cvat', src)['town/a'] == 0).all()


def test_colours_of_labels(labels, write, out):
    labels('cvat', write('a.xml', xml(POLYGON)))
    with Image.open(out / 'town/a.png') as image:
        assert image.convert('RGB').getpixel((4, 5)) == (0, 0, 0x8E)


def test_a_label_with_the_name_of_a_data_set(labels, write, summary):
    meta = META.replace('road', 'ade').replace('car', 'pedestrian')
    meta = meta[: meta.rindex('<label>')] + '</labels></task></meta>'
    content = xml(LINE.replace('road', 'ade'), meta=meta)
    labels('cvat', write('a.xml', content))
    assert [c['name'] for c in summary()['classes']] == ['ade']


def test_turned_boxes(labels, write):
    box = '<box label="car" xtl="2" ytl="5" xbr="12" ybr="7" rotation="90"/>'
    found = labels('cvat', write('a.xml', xml(box)))['town/a']
    rows, columns = np.nonzero(found == 1)
    assert (rows.min(), rows.max()) == (1, 11)
    assert (columns.min(), columns.max()) == (6, 8)


def test_classes_and_unlabelled_are_options(labels, write, summary):
    settings = dict(classes=['sky', 'car'], unlabelled=['road'], undrawn='sky')
    src = write('a.xml', xml(POLYGON, LINE))
    found = labels('cvat', src, width=1, **settings)['town/a']
    assert (found[2, 1:10] == 255).all() and found[5, 4] == 1
    assert found[0, 0] == 0


def test_what_cannot_be_drawn_is_named(labels, write, summary):
    shapes = '<cuboid label="car"/>', '<tag label="car"/>', LINE
    labels('cvat', write('a.xml', xml(*shapes)))
    (skipped,) = summary()['skipped']
    assert (
        'cuboid' in skipped['reason'] and 'town/a.jpg' in skipped['names'][0]
    )


@pytest.mark.parametrize(
    'shape, said',
    [
        (LINE.replace('road', 'sky'), "the label 'sky'"),
        (LINE.replace('9.00,', ''), 'without 1 points'),
        (LINE.replace('9.00', '1e308'), '1e+308'),
        (LINE.replace('9.00', 'NaN'), 'nan'),
        (LINE.replace('z_order="0"', 'z_order="top"'), "z_order='top'"),
        (BOX.replace('ybr="10"', ''), 'ybr='),
        (BOX.replace('"10"', '"inf"'), "ybr='inf'"),
        (BOX.replace('"10"', '"1e4"'), '10000'),
        (MASK.replace('1, 2, 3', '1, 2, 4'), 'mask of 3 x 2'),
        (MASK.replace('1, 2, 3', '-1, 4, 3'), 'mask of 3 x 2'),
        (MASK.replace('1, 2, 3', ''), 'mask of 3 x 2'),
        (MASK.replace('"3"', '"999999999"'), 'mask of 999999999'),
        (MASK.replace('left="10"', 'left="x"'), "left='x'"),
    ],
)
def test_shapes_that_are_none(refusal, write, shape, said):
    found = refusal('cvat', write('a.xml', xml(POLYGON, shape)))
    assert 'a.xml: town/a.jpg' in found and said in found


@pytest.mark.parametrize('name', ['../../a.jpg', '/etc/a.jpg', ''])
def test_names_that_leave_the_folder(refusal, write, name):
    said = refusal('cvat', write('a.xml', xml(LINE, name=name)))
    assert 'a.xml' in said and repr(name) in said


def test_other_exports(refusal, write):
    src = write('b/labelmap.txt', 'road:1,2,3::').parent
    said = refusal('cvat', src)
    assert "'Segmentation mask' export leaves polylines" in said
    track = '<annotations><track id="0" label="car"/></annotations>'
    said = refusal('cvat', write('video.xml', track))
    assert 'tracks of a video' in said
    said = refusal('cvat', write('other.xml', '<annotation/>'))
    assert 'expected <annotations>' in said
