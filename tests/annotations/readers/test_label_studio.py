"""Regions in exports of Label Studio, and damaged exports."""

from __future__ import annotations

import numpy as np
import pytest
from brushes import encode_brush
from label_studio_tasks import (
    CLASSES,
    SIZE,
    SQUARE,
    bitmask,
    box,
    brush,
    data_url,
    dot,
    points,
    polygon,
    region,
    task,
    vector,
)
from PIL import Image

SQUARE_OF_ZERO = polygon('zero', (0, 10), (3, 10), (3, 11), (0, 11))


@pytest.fixture
def mask():
    mask = np.zeros(SIZE[::-1], bool)
    mask[6:9, 7:10] = np.eye(3)
    return mask


def test_label_studio_draws_all_regions(labels, write, mask):
    results = [
        SQUARE,
        box('two', 8, 2, 2, 2),
        dot('zero', 13.4, 1.2),
        brush('two', mask),
        bitmask('two', mask[::-1]),
        dict(type='choices', value=dict(choices=['sunny'])),
    ]
    src = write('project.json', [task(*results)])
    settings = dict(classes=CLASSES, radius=0, boxes='fill')
    found = labels('label-studio', src, **settings)['a']
    expected = np.full(SIZE[::-1], 255)
    expected[1:3, 1:4] = 1
    expected[2:4, 8:10] = 2
    expected[1, 13] = 0
    expected[mask | mask[::-1]] = 2
    np.testing.assert_array_equal(found, expected)


CORNERS = ('a', None, 2, 2), ('b', 'a', 9, 2), ('c', 'b', 9, 6)


@pytest.mark.parametrize(
    'vertices, closed, drawn',
    [
        (CORNERS, False, [(2, slice(2, 10)), (slice(2, 7), 9)]),
        (CORNERS[:1], False, [(2, 2)]),
        (CORNERS, True, [(3, slice(5, 9)), (5, 8)]),
        (
            (('a', 'c', 2, 2), *CORNERS[1:]),
            True,
            [(3, slice(5, 9)), (5, 8)],
        ),
        (
            (*CORNERS, ('d', 'b', 13, 2)),
            False,
            [(2, slice(2, 14)), (slice(2, 7), 9)],
        ),
        (
            (*CORNERS[:2], ('d', None, 3, 9), ('e', 'd', 6, 9)),
            False,
            [(2, slice(2, 10)), (9, slice(3, 7))],
        ),
    ],
    ids=['line', 'dot', 'closed', 'ring', 'branch', 'two lines'],
)
def test_label_studio_draws_vectors(labels, write, vertices, closed, drawn):
    """The editor's tool for strokes; `prevPointId` tells what it joins."""
    results = [SQUARE_OF_ZERO, vector('two', *vertices, closed=closed)]
    src = write('a.json', [task(*results)])
    settings = dict(classes=CLASSES, width=1, radius=0)
    found = labels('label-studio', src, **settings)['a'] == 2
    for place in drawn:
        assert found[place].all()
    if not closed:
        expected = np.zeros_like(found)
        for place in drawn:
            expected[place] = True
        np.testing.assert_array_equal(found, expected)


def test_label_studio_draws_lines_of_a_width(labels, write):
    src = write('a.json', [task(vector('two', *CORNERS[:2]))])
    found = labels('label-studio', src, classes=CLASSES, width=3)['a']
    assert (found[1:4, 3:9] == 2).all()


def test_label_studio_leaves_out_bezier_curves(labels, write, summary):
    curve = vector('two', *CORNERS)
    curve['value']['vertices'][1]['isBezier'] = True
    src = write('a.json', [task(SQUARE, curve)])
    assert 2 not in labels('label-studio', src, classes=CLASSES)['a']
    (note,) = summary()['skipped']
    assert note['reason'] == 'vector with Bezier curves, skipped'


def test_label_studio_leaves_out_closed_vectors_with_branches(
    labels, write, summary
):
    tree = vector('two', *CORNERS, ('d', 'b', 13, 2), closed=True)
    src = write('a.json', [task(SQUARE, tree)])
    assert 2 not in labels('label-studio', src, classes=CLASSES)['a']
    (note,) = summary()['skipped']
    assert note['reason'] == 'closed vector with branches, skipped'


@pytest.mark.parametrize('x', range(SIZE[0]))
def test_label_studio_rounds_percentages(labels, write, x):
    results = dot('one', x, x % SIZE[1]), SQUARE
    src = write('a.json', [task(*results)])
    settings = dict(classes=['one'], radius=0)
    assert labels('label-studio', src, **settings)['a'][x % SIZE[1], x] == 0


def test_label_studio_draws_later_regions_over_earlier_ones(labels, write):
    cover = polygon('two', (0, 0), (9, 0), (9, 9), (0, 9))
    for order, expected in (((SQUARE, cover), 2), ((cover, SQUARE), 1)):
        name = f'{expected}.jpg'
        src = write(f'{expected}.json', [task(*order, image=name)])
        found = labels('label-studio', src, classes=CLASSES)
        assert found[str(expected)][2, 2] == expected
        for path in src.parents[1].glob('out/*'):
            path.unlink()


@pytest.mark.parametrize('turn', [90, -270])
def test_label_studio_turns_boxes(labels, write, turn):
    src = write('a.json', [task(box('one', 8, 2, 6, 3, rotation=turn))])
    settings = dict(classes=CLASSES, boxes='fill')
    found = labels('label-studio', src, **settings)['a']
    rows, columns = np.nonzero(found == 1)
    assert (rows.min(), rows.max()) == (2, 7)
    assert (columns.min(), columns.max()) == (5, 7)


def test_label_studio_fills_ellipses(labels, write):
    (centre,), ((wide, high),) = points((8, 6)), points((5, 2))
    value = dict(x=centre[0], y=centre[1], radiusX=wide, radiusY=high)
    results = [region('ellipselabels', 'one', value)]
    src = write('a.json', [task(*results)])
    settings = dict(classes=CLASSES, boxes='fill')
    found = labels('label-studio', src, **settings)['a']
    rows, columns = np.nonzero(found == 1)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == (10, 4)


def test_label_studio_skips_boxes(labels, write, summary):
    src = write('a.json', [task(SQUARE, box('two', 8, 2, 2, 2))])
    found = labels('label-studio', src, classes=CLASSES, undrawn='zero')['a']
    assert (found[2:4, 8:10] == 255).all() and found[0, 0] == 0
    (skipped,) = summary()['skipped']
    assert 'rectangle, which is no outline (see --boxes)' in skipped['reason']


def test_label_studio_reads_the_tag_labels(labels, write, mask):
    """A region of the tags Labels and Brush has two results of one id."""
    value = dict(points=points((1, 1), (4, 1), (4, 3), (1, 3)))
    code = dict(format='rle', rle=encode_brush(mask))
    stroke = vector(None, ('a', None, 12, 1), ('b', 'a', 15, 1))
    bits = bitmask(None, mask[::-1])
    results = [
        region('polygon', None, value, id='p'),
        region('labels', 'one', value, id='p'),
        region('brush', None, code, id='b'),
        region('labels', 'two', code, id='b'),
        dict(stroke, type='vector', id='v'),
        dict(region('labels', 'two', stroke['value']), id='v'),
        dict(bits, type='bitmask', id='m'),
        dict(region('labels', 'two', bits['value']), id='m'),
    ]
    src = write('a.json', [task(*results)])
    found = labels('label-studio', src, classes=CLASSES)['a']
    assert (found[1:3, 1:4] == 1).all() and (found[mask] == 2).all()
    assert (found[1, 12:] == 2).all() and (found[mask[::-1]] == 2).all()


def test_label_studio_notes_what_it_leaves_out(labels, write, summary):
    value = dict(points=points((1, 1), (4, 1), (4, 3)))
    results = [
        SQUARE,
        region('polygon', None, value, id='y'),
        region('vectorlabels', 'one', dict(vertices=[])),
        region('bitmasklabels', 'one', dict(imageDataURL=None)),
    ]
    src = write('a.json', [task(*results)])
    labels('label-studio', src, classes=CLASSES)
    reasons = {entry['reason'] for entry in summary()['skipped']}
    assert reasons == {
        'polygon without a label, skipped',
        'unfinished line (points: 0), skipped',
        "'bitmask', which is no known region, skipped",
    }


def test_label_studio_leaves_out_unfinished_polygons(labels, write, summary):
    results = SQUARE, polygon('two', (8, 2), (9, 3)), polygon('two')
    src = write('a.json', [task(*results)])
    found = labels('label-studio', src, classes=CLASSES)['a']
    assert {*found.ravel().tolist()} == {1, 255}
    assert [s['reason'] for s in summary()['skipped']] == [
        'unfinished polygon (points: 0), skipped',
        'unfinished polygon (points: 2), skipped',
    ]


def test_label_studio_needs_classes(refusal, write):
    src = write('a.json', [task(SQUARE)])
    assert "'one' in 1 image" in refusal('label-studio', src)


OPAQUE = dict(imageDataURL=data_url(Image.new('L', SIZE)))


@pytest.mark.parametrize(
    'content, said',
    [
        ([task(dict(SQUARE, image_rotation=90))], 'image_rotation=90'),
        ([task(SQUARE, dict(SQUARE, original_width=3))], '(16, 12), (3, 12)'),
        ([task(dict(SQUARE, original_width=10**9))], '1000000000 x 12'),
        ([task(region('polygonlabels', 'one', dict(points=[1])))], '[1]'),
        ([task(polygon('one', (1, 1), (2, 2), (1, 1e300)))], 'e+300'),
        ([task(polygon('four', (1, 1), (2, 2), (3, 1)))], "label 'four'"),
        (
            [task(region('keypointlabels', 'one', dict(x=1, y='x')))],
            "y='x'",
        ),
        ([task(dict(SQUARE, type=None))], 'type=None'),
        ([task(dict(SQUARE, value=[]))], 'value=[]'),
        (
            [task(region('brushlabels', 'one', dict(rle=[1, 2, 3])))],
            'cannot be decoded (it ends too early)',
        ),
        (
            [task(region('brushlabels', 'one', dict(rle=[256])))],
            'cannot be decoded',
        ),
        (
            [task(bitmask('one', np.ones((3, 4), bool)))],
            'it has the size (4, 3), expected that of the image, (',
        ),
        (
            [task(region('bitmasklabels', 'one', dict(imageDataURL='x')))],
            'does not begin with data:image/png;base64,',
        ),
        (
            [task(region('bitmasklabels', 'one', OPAQUE))],
            'it has no transparent pixels',
        ),
        ([task(region('vectorlabels', 'one', {}))], 'vertices=None'),
        ([task(vector('one', (1, None, 2, 2)))], 'id=1'),
        (
            [task(dict(SQUARE, value=dict(polygonlabels=['one', 'two'])))],
            "labels ['one', 'two'], expected one",
        ),
        ([task(SQUARE, annotations=None)], 'annotations=None'),
        ([task(SQUARE, image='../../a.jpg')], "'../../a.jpg'"),
        (
            [task(SQUARE, image='../a.jpg')],
            'give the folder of the images with --images, or correct that',
        ),
        ([3], 'data=None'),
    ],
)
def test_label_studio_rejects_damaged_files(refusal, write, content, said):
    src = write('project.json', content)
    found = refusal('label-studio', src, classes=CLASSES)
    assert 'project.json' in found and said in found
