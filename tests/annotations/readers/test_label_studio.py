"""Exports of Label Studio.

The layout is that of https://labelstud.io/guide/export and of the pages of
the tags, such as https://labelstud.io/tags/polygonlabels; the code of a brush
is written by `brushes.py`.
"""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from brushes import encode_brush
from PIL import Image

CLASSES = ['zero', 'one', 'two']
# Width and height: percentages of them are no whole numbers.
SIZE = 16, 12
UPLOAD = '/data/upload/3/1f2e3d4c-a.jpg'


def points(*corners):
    return [[100 * x / SIZE[0], 100 * y / SIZE[1]] for x, y in corners]


def region(kind, label, value, **more):
    labels = {} if label is None else {kind: [label]}
    return dict(
        dict(
            id='x',
            type=kind,
            from_name='label',
            to_name='image',
            original_width=SIZE[0],
            original_height=SIZE[1],
            image_rotation=0,
            value=dict(value, **labels),
        ),
        **more,
    )


def polygon(label, *corners, **more):
    value = dict(points=points(*corners), closed=True)
    return region('polygonlabels', label, value, **more)


def box(label, left, top, width, height, rotation=0):
    (x, y), (w, h) = points((left, top), (width, height))
    value = dict(x=x, y=y, width=w, height=h, rotation=rotation)
    return region('rectanglelabels', label, value)


def dot(label, x, y):
    ((x, y),) = points((x, y))
    return region('keypointlabels', label, dict(x=x, y=y, width=0.5))


def brush(label, mask):
    value = dict(format='rle', rle=encode_brush(mask))
    return region('brushlabels', label, value)


def data_url(image):
    file = BytesIO()
    image.save(file, 'PNG')
    text = base64.b64encode(file.getvalue()).decode()
    return f'data:image/png;base64,{text}'


def bitmask(label, mask):
    """Black on a transparent image, as the editor draws it."""
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[mask, 3] = 255
    value = dict(imageDataURL=data_url(Image.fromarray(pixels)))
    return region('bitmasklabels', label, value)


def vector(label, *vertices, closed=False, **more):
    """A vector of vertices (id, id of the one before, x, y)."""
    found = [
        dict(
            dict(id=name, prevPointId=before, isBezier=False),
            **dict(zip('xy', points((x, y))[0])),
        )
        for name, before, x, y in vertices
    ]
    value = dict(vertices=found, closed=closed)
    return region('vectorlabels', label, value, **more)


def task(*results, image=UPLOAD, **changes):
    annotation = dict(id=7, was_cancelled=False, result=[*results])
    return dict(
        dict(id=1, data=dict(image=image), annotations=[annotation]), **changes
    )


SQUARE_OF_ZERO = polygon('zero', (0, 10), (3, 10), (3, 11), (0, 11))
SQUARE = polygon('one', (1, 1), (4, 1), (4, 3), (1, 3))


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


@pytest.mark.parametrize(
    'address, key',
    [
        (UPLOAD, 'a'),
        ('/data/upload/1f2e3d4c-town%20b.jpg', 'town b'),
        ('https://host/data/upload/3/1f2e3d4c-a.jpg', 'a'),
        ('/data/local-files/?d=town/a%20b.jpg', 'town/a b'),
        ('/data/local-files/?d=/srv/town/a.jpg', 'srv/town/a'),
        ('/data/local-files?d=town/a.jpg', 'town/a'),
        ('s3://bucket/town/a%20b #1.png', 'town/a%20b #1'),
        ('azure-blob://container/a.png', 'a'),
        ('https://host/town/a%20b.jpg', 'town/a b'),
        ('https://host/town/a.jpg?token=1', 'town/a'),
        ('https://host/ls/data/local-files/?d=town/a.jpg', 'town/a'),
        ('town/1f2e3d4c-a.jpg', 'town/1f2e3d4c-a'),
        ('C:\\photos\\a.jpg'[3:], 'photos/a'),
    ],
)
def test_label_studio_names_images(labels, write, address, key):
    src = write('a.json', [task(SQUARE, image=address)])
    assert [*labels('label-studio', src, classes=CLASSES)] == [key]


@pytest.mark.parametrize(
    'address, image',
    [
        ('/data/local-files/?d=srv/photos/town/a.jpg', 'town/a'),
        (UPLOAD, 'a'),
        (UPLOAD, '1f2e3d4c-a'),
        ('/data/upload/3/1f2e3d4c-my_cat_1.jpg', 'town/my cat (1)'),
        # A Mac uploads an accent as a character, which gets lost.
        ('/data/upload/3/1f2e3d4c-cafe_1.jpg', 'caf\u00e9 (1)'),
        ('/data/upload/3/1f2e3d4c-caf\u00e9_1.jpg', 'cafe\u0301 (1)'),
        ('../../photos/town/a.jpg', 'town/a'),
        ('C:\\photos\\a.jpg', 'a'),
        ('/data/local-files/?d=srv/cafe\u0301.jpg', 'caf\u00e9'),
    ],
)
def test_label_studio_finds_images(labels, write, address, image):
    photo = Image.new('RGB', SIZE)
    folder = write('images/other/a.png', photo).parents[1]
    write(f'images/{image}.png', photo)
    src = write('a.json', [task(SQUARE, image=address)])
    found = labels('label-studio', src, classes=CLASSES, images=folder)
    assert [*found] == [image]


def test_label_studio_chooses_one_annotation(labels, write, summary):
    others = polygon('two', (1, 1), (4, 1), (4, 3), (1, 3))
    entries = [
        dict(result=[SQUARE]),
        dict(result=[others]),
        dict(result=[SQUARE], was_cancelled=True),
    ]
    truth = [dict(entries[0], ground_truth=True), *entries[1:]]
    tasks = [
        task(image='last.jpg', annotations=entries),
        task(image='truth.jpg', annotations=truth),
        task(image='none.jpg', annotations=entries[2:]),
    ]
    found = labels('label-studio', write('a.json', tasks), classes=CLASSES)
    assert {*found} == {'last', 'truth'}
    assert found['last'][2, 2] == 2 and found['truth'][2, 2] == 1
    (note,) = summary()['skipped']
    assert (
        note['reason'].startswith('further annotation') and note['count'] == 2
    )
    assert 'without an annotation, left out: 1' in summary()['remarks'][0]


def test_label_studio_prefers_annotations_with_a_region(
    labels, write, summary
):
    """Somebody else submitted the task without labelling it."""
    choice = dict(type='choices', value=dict(choices=['sunny']))
    entries = [dict(result=[SQUARE]), dict(result=[]), dict(result=[choice])]
    truth = dict(result=[], ground_truth=True)
    tasks = [
        task(image='a.jpg', annotations=entries),
        # The size is that of the photo.
        task(image='b.jpg', annotations=[*entries, truth]),
    ]
    for name in 'ab':
        photo = write(f'photos/{name}.jpg', Image.new('RGB', SIZE))
    src = write('a.json', tasks)
    settings = dict(classes=CLASSES, images=photo.parent)
    found = labels('label-studio', src, **settings)
    assert found['a'][2, 2] == 1 and (found['b'] == 255).all()
    notes = {note['reason']: note['count'] for note in summary()['skipped']}
    assert notes['further annotation of a task, left out'] == 5


def test_label_studio_joins_tasks_of_one_image(labels, write):
    dots = [dot('one', 2.5, 2.5), dot('two', 9.5, 9.5)]
    src = write('x.json', [task(d, id=i) for i, d in enumerate(dots)])
    found = labels('label-studio', src, classes=CLASSES, radius=0)['a']
    assert (found[2, 2], found[9, 9]) == (1, 2)


def test_label_studio_reads_predictions_on_demand(labels, write, out):
    guess = dict(result=[polygon('two', (1, 1), (4, 1), (4, 3))])
    tasks = [
        task(SQUARE, predictions=[guess]),
        task(image='b.jpg', annotations=[], predictions=[guess]),
    ]
    src = write('a.json', tasks)
    assert {*labels('label-studio', src, classes=CLASSES)} == {'a'}
    out.joinpath('conversion.jsonl').unlink()
    for path in [*out.iterdir()]:
        path.unlink()
    settings = dict(classes=CLASSES, predictions='read')
    found = labels('label-studio', src, **settings)
    assert found['a'][2, 2] == 1 and found['b'][1, 2] == 2


def test_label_studio_takes_the_size_of_an_image(labels, refusal, write):
    tasks = [task(SQUARE), task(image='b.jpg')]
    src = write('a.json', tasks)
    said = refusal('label-studio', src, classes=CLASSES)
    assert 'b.jpg has no region with original_width' in said
    assert '--images' in said
    for name in 'ab':
        folder = write(f'images/{name}.png', Image.new('RGB', SIZE)).parent
    settings = dict(classes=CLASSES, undrawn='zero', images=folder)
    for path in src.parents[1].glob('out/*'):
        path.unlink()
    assert (labels('label-studio', src, **settings)['b'] == 0).all()


def test_label_studio_needs_the_field_of_the_image(labels, refusal, write):
    data = dict(image='a.jpg', depth='a.png')
    src = write('a.json', [task(SQUARE, data=data)])
    said = refusal('label-studio', src, classes=CLASSES)
    assert "'image', 'depth', of which 2 end like an image" in said
    found = labels('label-studio', src, classes=CLASSES, field='image')
    assert [*found] == ['a']


TWO_IMAGES = dict(image='a.jpg', depth='a.png')


def test_label_studio_leaves_out_regions_of_another_image(
    labels, write, summary
):
    # The other image has another size.
    other = polygon('two', (1, 1), (9, 1), (9, 9), to_name='depth')
    other.update(original_width=99)
    tasks = [
        task(SQUARE, other, data=TWO_IMAGES),
        task(SQUARE, data=dict(image='b.jpg', depth='b.png')),
    ]
    src = write('a.json', tasks)
    found = labels('label-studio', src, classes=CLASSES, field='image')
    np.testing.assert_array_equal(found['a'], found['b'])
    assert summary()['remarks'][0].endswith('which are left out: 1.')


OTHER = polygon('two', (1, 1), (4, 1), (4, 3), (1, 3), item_index=1)


@pytest.mark.parametrize('field', [None, 'pages'])
def test_label_studio_reads_lists_of_images(labels, write, field, summary):
    """The attribute valueList of the tag Image shows a list as pages."""
    data = dict(pages=['a.jpg', 'b.jpg'], text='a')
    beyond = [dict(OTHER, item_index=index) for index in (2, -1, 'x')]
    first = dict(SQUARE, item_index=0)
    entries = [dict(result=[]), dict(result=[first, OTHER, *beyond])]
    src = write('a.json', [task(data=data, annotations=entries)])
    found = labels('label-studio', src, classes=CLASSES, field=field)
    assert {key: found[key][2, 2] for key in found} == {'a': 1, 'b': 2}
    notes = [(note['reason'], note['count']) for note in summary()['skipped']]
    assert notes == [
        ('further annotation of a task, left out', 1),
        (
            'region of an image (item_index) that the field lacks, left out',
            3,
        ),
    ]


def test_label_studio_leaves_out_other_pages_of_one_image(
    labels, write, summary
):
    data = dict(image='a.jpg', pages=['a.jpg', 'b.jpg'])
    src = write('a.json', [task(SQUARE, OTHER, data=data)])
    found = labels('label-studio', src, classes=CLASSES)
    assert [*found] == ['a'] and found['a'][2, 2] == 1
    (note,) = summary()['skipped']
    assert 'item_index' in note['reason'] and note['count'] == 1


@pytest.mark.parametrize('pages', [[], [3], ['a.jpg', None]])
def test_label_studio_rejects_lists_of_other_things(refusal, write, pages):
    src = write('a.json', [task(SQUARE, data=dict(pages=pages))])
    said = refusal('label-studio', src, classes=CLASSES, field='pages')
    assert 'task 0 has pages=[' in said and 'addresses of images' in said
    said = refusal('label-studio', src, classes=CLASSES)
    assert "'pages', of which 0 end like an image" in said


@pytest.mark.parametrize('tags', [('img-1', 'img-2'), ('depth', 'depth')])
def test_label_studio_needs_the_tag_of_the_field(refusal, write, tags):
    regions = [dict(SQUARE, to_name=tag) for tag in tags]
    src = write('a.json', [task(*regions, data=TWO_IMAGES)])
    said = refusal('label-studio', src, classes=CLASSES, field='image')
    assert "a.json has regions of the images '" in said
    assert "does not say which of them the field 'image' holds" in said


def test_label_studio_takes_the_only_tag(labels, write):
    region = dict(SQUARE, to_name='img-1')
    src = write('a.json', [task(region, data=TWO_IMAGES)])
    found = labels('label-studio', src, classes=CLASSES, field='image')['a']
    assert found[2, 2] == 1


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
