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


def test_cvat_draws_all_shapes(labels, write, summary):
    src = write('annotations.xml', xml(LINE, POLYGON, BOX, DOT, MASK))
    settings = dict(width=1, radius=0, boxes='fill')
    found = labels('cvat', src, **settings)['town/a']
    expected = np.full((12, 16), 255)
    expected[2, 1:10] = 0
    expected[4:7, 2:6] = 1
    expected[8:10, 0:3] = 0
    expected[3, 12] = expected[9, 14] = 1
    expected[6, 11:13] = 1
    np.testing.assert_array_equal(found, expected)
    assert "'Segmentation mask'" in summary()['remarks'][0]
    assert [c['name'] for c in summary()['classes']] == ['road', 'car']


def test_cvat_draws_layers_in_order(labels, write):
    cover = '<box label="road" xtl="0" ytl="0" xbr="15" ybr="11" {}/>'
    shapes = POLYGON, cover.format('z_order="0"')
    src = write('annotations.xml', xml(*shapes)).parent
    assert labels('cvat', src, boxes='fill')['town/a'][5, 4] == 1


def test_cvat_draws_later_shapes_over_earlier_ones(labels, write):
    cover = '<box label="road" xtl="0" ytl="0" xbr="16" ybr="12"/>'
    src = write('a.xml', xml(POLYGON.replace('z_order="1"', ''), cover))
    assert (labels('cvat', src, boxes='fill')['town/a'] == 0).all()


def test_cvat_keeps_colours_of_labels(labels, write, out):
    labels('cvat', write('a.xml', xml(POLYGON)))
    with Image.open(out / 'town/a.png') as image:
        assert image.convert('RGB').getpixel((4, 5)) == (0, 0, 0x8E)


def test_cvat_label_with_the_name_of_a_data_set(labels, write, summary):
    meta = META.replace('road', 'ade').replace('car', 'pedestrian')
    meta = meta[: meta.rindex('<label>')] + '</labels></task></meta>'
    content = xml(LINE.replace('road', 'ade'), meta=meta)
    labels('cvat', write('a.xml', content))
    assert [c['name'] for c in summary()['classes']] == ['ade']


def test_cvat_turns_boxes(labels, write):
    box = '<box label="car" xtl="2" ytl="5" xbr="12" ybr="7" rotation="90"/>'
    src = write('a.xml', xml(box))
    found = labels('cvat', src, boxes='fill')['town/a']
    rows, columns = np.nonzero(found == 1)
    assert (rows.min(), rows.max()) == (1, 10)
    assert (columns.min(), columns.max()) == (6, 7)


def test_cvat_with_classes_and_unlabelled(labels, write, summary):
    settings = dict(classes=['sky', 'car'], unlabelled=['road'], undrawn='sky')
    src = write('a.xml', xml(POLYGON, LINE))
    found = labels('cvat', src, width=1, **settings)['town/a']
    assert (found[2, 1:10] == 255).all() and found[5, 4] == 1
    assert found[0, 0] == 0


def test_cvat_notes_shapes_without_pixels(labels, write, summary):
    shapes = '<cuboid label="car"/>', '<tag label="car"/>', LINE
    labels('cvat', write('a.xml', xml(*shapes)))
    (skipped,) = summary()['skipped']
    assert (
        'cuboid' in skipped['reason'] and 'town/a.jpg' in skipped['names'][0]
    )


def test_cvat_leaves_out_unfinished_shapes(labels, write, summary):
    short = POLYGON.replace(';6,7;2,7', '').replace('car', 'road')
    src = write('a.xml', xml(short, POLYGON, DOT.replace('12,3;14,9', '')))
    found = labels('cvat', src)['town/a']
    assert {*found.ravel().tolist()} == {1, 255}
    reasons = {s['reason'] for s in summary()['skipped']}
    assert 'unfinished polygon (points: 2), skipped' in reasons
    assert 'unfinished point (points: 0), skipped' in reasons


WITHOUT_SIZE = xml(POLYGON).replace('width="16" height="12"', '')


def test_cvat_takes_the_size_of_the_image(labels, write):
    src = write('a.xml', WITHOUT_SIZE)
    images = write('images/town/a.jpg', Image.new('RGB', (16, 12))).parents[1]
    found = labels('cvat', src, images=images)
    assert found['town/a'].shape == (12, 16)


def test_cvat_needs_a_size(refusal, write):
    said = refusal('cvat', write('a.xml', WITHOUT_SIZE))
    assert 'town/a.jpg has no size of the image' in said
    assert '--images' in said


@pytest.mark.parametrize(
    'shape, said',
    [
        (LINE.replace('road', 'sky'), "the label 'sky'"),
        (LINE.replace('9.00,', ''), "[['1.00', '2.00'], ['2.00']]"),
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
def test_cvat_rejects_damaged_shapes(refusal, write, shape, said):
    found = refusal('cvat', write('a.xml', xml(POLYGON, shape)))
    assert 'a.xml: town/a.jpg' in found and said in found


@pytest.mark.parametrize('name', ['../../a.jpg', '/etc/a.jpg', ''])
def test_cvat_rejects_names_that_leave_the_folder(refusal, write, name):
    said = refusal('cvat', write('a.xml', xml(LINE, name=name)))
    assert 'a.xml' in said and repr(name) in said


def test_cvat_rejects_other_exports(refusal, write):
    src = write('b/labelmap.txt', 'road:1,2,3::').parent
    said = refusal('cvat', src)
    assert "'Segmentation mask' export leaves polylines" in said
    track = '<annotations><track id="0" label="car"/></annotations>'
    said = refusal('cvat', write('video.xml', track))
    assert 'tracks of a video' in said
    said = refusal('cvat', write('other.xml', '<annotation/>'))
    assert 'expected <annotations>' in said


TAGGED = """<meta><{0}><labels>
<label><name>sunny</name><color>#ff0000</color><type>tag</type></label>
<label><name>road</name><color>#00ff00</color><type>polygon</type></label>
<label><name>body</name><type>skeleton</type></label>
<label><name>knee</name><type>points</type><parent>body</parent></label>
<label><name>car</name><color>#0000ff</color><type>any</type></label>
</labels></{0}></meta>"""


@pytest.mark.parametrize('kind', ['task', 'job', 'project'])
def test_cvat_leaves_out_labels_without_pixels(labels, write, summary, kind):
    shapes = '<tag label="sunny"/>', POLYGON
    content = xml(*shapes, meta=TAGGED.format(kind))
    found = labels('cvat', write('a.xml', content))['town/a']
    assert (found[4:7, 2:6] == 1).all()
    assert [c['name'] for c in summary()['classes']] == ['road', 'car']
    assert 'Images with tags: 1' in summary()['remarks'][0]


def test_cvat_leaves_out_a_tag_of_a_real_file(shared_data, labels, summary):
    path = shared_data / 'annotation_cases/cvat_tag_labels.xml'
    if not path.is_file():
        pytest.skip(f'{path} is missing')
    assert {*labels('cvat', path)['a'].ravel().tolist()} == {0, 255}
    assert [c['name'] for c in summary()['classes']] == ['road']


def test_cvat_without_meta_needs_classes(refusal, write):
    src = write('a.xml', xml(LINE, POLYGON, BOX, meta=''))
    said = refusal('cvat', src)
    assert 'a.xml has no <meta>' in said and '--classes' in said
    assert "'road' in 1 image, 'car' in 1 image" in said
    said = refusal('cvat', src, classes=['road'])
    assert "the label 'car' in 1 image (first in" in said


def test_cvat_without_meta_with_classes(labels, write):
    src = write('a.xml', xml(POLYGON, meta=''))
    found = labels('cvat', src, classes=['road', 'car'])['town/a']
    assert (found[4:7, 2:6] == 1).all()


ELLIPSE = (
    '<ellipse label="car" cx="8" cy="6" rx="5" ry="2" rotation="{}" '
    'z_order="0"/>'
)


@pytest.mark.parametrize('turn, reach', [(0, (5, 2)), (90, (2, 5))])
def test_cvat_fills_ellipses(labels, write, turn, reach):
    src = write('a.xml', xml(ELLIPSE.format(turn)))
    found = labels('cvat', src, boxes='fill')['town/a']
    rows, columns = np.nonzero(found == 1)
    size = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert size == (2 * reach[0], 2 * reach[1])
    assert abs(len(rows) - np.pi * 5 * 2) < 2


def test_cvat_skips_boxes_and_ellipses(labels, write, summary):
    src = write('a.xml', xml(BOX, ELLIPSE.format(0), LINE))
    found = labels('cvat', src, width=1, undrawn='car')['town/a']
    assert (found[2, 1:10] == 0).all() and (found[8:11, :4] == 255).all()
    assert found[6, 8] == 255 and found[0, 15] == 1
    counts = {s['reason']: s['count'] for s in summary()['skipped']}
    for kind in ('box', 'ellipse'):
        reason = f'{kind}, which is no outline (see --boxes), skipped'
        assert counts[reason] == 1


def test_cvat_ignores_undrawn_beside_a_cuboid(labels, write, summary):
    src = write('a.xml', xml('<cuboid label="car"/>', POLYGON))
    found = labels('cvat', src, undrawn='road')['town/a']
    assert {*found.ravel().tolist()} == {1, 255}
    (skipped,) = summary()['skipped']
    assert '--undrawn not used in its image' in skipped['reason']


def test_cvat_skeletons_need_no_class(labels, write):
    skeleton = '<skeleton label="p"><points label="k"/></skeleton>'
    src = write('a.xml', xml(skeleton, POLYGON, meta=''))
    found = labels('cvat', src, classes=['car'])['town/a']
    assert {*found.ravel().tolist()} == {0, 255}


def test_cvat_rejects_a_tag_as_unlabelled(refusal, write):
    src = write('a.xml', xml(POLYGON, meta=TAGGED.format('task')))
    said = refusal('cvat', src, unlabelled=['sunny'])
    assert "'sunny', which no shape" in said
    assert "'car' in 1 image, 'road' in 0 images" in said


def project(*entries: tuple[str, str, str]) -> str:
    """Returns the export of a project: subset, task and shape of images."""
    images = ''.join(
        f'<image id="{i}" name="f.png" subset="{subset}" task_id="{task}" '
        f'width="16" height="12">{shape}</image>'
        for i, (subset, task, shape) in enumerate(entries)
    )
    return f'<annotations>{META}{images}</annotations>'


TWO_SUBSETS = project(('Train', '3', POLYGON), ('Val', '4', LINE))


def test_cvat_separates_images_of_subsets(labels, write):
    found = labels('cvat', write('a.xml', TWO_SUBSETS), width=1)
    assert {*found} == {'Train/f', 'Val/f'}
    assert {*found['Train/f'].ravel().tolist()} == {1, 255}
    assert {*found['Val/f'].ravel().tolist()} == {0, 255}


def test_cvat_finds_images_of_subsets(labels, write):
    src = write('a.xml', TWO_SUBSETS)
    for subset in ('Train', 'Val'):
        path = write(f'images/{subset}/f.png', Image.new('RGB', (16, 12)))
    found = labels('cvat', src, images=path.parents[1])
    assert {*found} == {'Train/f', 'Val/f'}


def test_cvat_finds_images_without_the_folders_of_subsets(labels, write):
    src = write('a.xml', project(('default', '3', POLYGON)))
    path = write('images/f.png', Image.new('RGB', (16, 12)))
    assert {*labels('cvat', src, images=path.parent)} == {'f'}


def test_cvat_rejects_one_image_of_two_tasks(refusal, write):
    src = write('a.xml', project(('Val', '3', POLYGON), ('Val', '4', LINE)))
    said = refusal('cvat', src)
    assert 'a.xml: Val/f.png has two entries' in said
    assert "task_id='3' and task_id='4'" in said


def test_cvat_rejects_one_photo_for_two_subsets(refusal, write):
    src = write('a.xml', TWO_SUBSETS)
    path = write('images/f.png', Image.new('RGB', (16, 12)))
    said = refusal('cvat', src, images=path.parent)
    assert 'Train/f.png' in said and 'Val/f.png would both' in said
