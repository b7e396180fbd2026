"""COCO's JSON files, https://cocodataset.org/#format-data."""

from __future__ import annotations

import numpy as np
import pycocotools.mask
import pytest

MASK = np.zeros((8, 10), np.uint8)
MASK[2:5, 3:7] = 1


def record(*segmentations, **changes):
    annotations = [
        dict(id=i, image_id=7, category_id=5, segmentation=s, iscrowd=0)
        for i, s in enumerate(segmentations)
    ]
    return dict(
        dict(
            images=[dict(id=7, file_name='town/a.jpg', width=10, height=8)],
            categories=[dict(id=5, name='car'), dict(id=2, name='road')],
            annotations=annotations,
        ),
        **changes,
    )


def runs(mask):
    """Uncompressed runs along columns, beginning with background."""
    flat = np.concatenate([[0], mask.ravel(order='F'), [2]])
    changes = np.flatnonzero(np.diff(flat))
    return np.diff(changes, prepend=0).tolist()


def compressed(mask):
    found = pycocotools.mask.encode(np.asfortranarray(mask))
    return dict(size=[8, 10], counts=found['counts'].decode())


@pytest.mark.parametrize(
    'segmentation',
    [
        [[3, 2, 7, 2, 7, 5, 3, 5]],
        [3, 2, 7, 2, 7, 5, 3, 5],
        [[3, 2, 5, 2, 5, 5, 3, 5], [5, 2, 7, 2, 7, 5, 5, 5]],
        dict(size=[8, 10], counts=runs(MASK)),
        compressed(MASK),
    ],
    ids=['polygon', 'flat', 'polygons', 'runs', 'compressed'],
)
def test_coco_draws_polygons_and_masks(labels, write, summary, segmentation):
    src = write('x.json', record(segmentation))
    found = labels('coco', src)['town/a']
    np.testing.assert_array_equal(found, np.where(MASK, 1, 255))
    names = [c['name'] for c in summary()['classes']]
    assert names == ['road', 'car']


def test_coco_with_classes_and_undrawn(labels, write):
    src = write('x.json', record(compressed(MASK)))
    settings = dict(classes=['car', 'background'], undrawn='background')
    found = labels('coco', src, **settings)['town/a']
    np.testing.assert_array_equal(found, 1 - MASK)


def test_coco_images_without_annotations(labels, write, summary):
    content = record([], None, [[3, 2, 7, 2, 7, 5]])
    content['images'] += [dict(id=8, file_name='b.jpg', width=10, height=8)]
    content['annotations'][2]['image_id'] = 8
    src = write('x.json', content)
    assert (labels('coco', src)['town/a'] == 255).all()
    counts = {s['reason']: s['count'] for s in summary()['skipped']}
    assert counts['annotation without segmentation, skipped'] == 2
    assert counts['label without a labelled pixel'] == 1


def test_coco_leaves_out_polygons_of_two_points(labels, write, summary):
    square = [3, 2, 7, 2, 7, 5, 3, 5]
    content = record([square, [], [1, 1, 9, 7]], [[1, 1]], [[]])
    content['annotations'][1]['bbox'] = [0, 7, 2, 1]
    src = write('x.json', content)
    found = labels('coco', src, boxes='fill')['town/a']
    np.testing.assert_array_equal(found[:7], np.where(MASK, 1, 255)[:7])
    assert (found[7, :2] == 1).all() and (found[7, 4:] == 255).all()
    counts = {s['reason']: s['count'] for s in summary()['skipped']}
    assert counts['unfinished polygon (points: 2), skipped'] == 1
    assert counts['unfinished polygon (points: 1), skipped'] == 1
    assert counts['annotation without segmentation, skipped'] == 1


def test_coco_unlabels_the_place_of_an_unfinished_polygon(labels, write):
    content = record([[3, 2, 7, 2, 7, 5, 3, 5]], [[0, 7, 1, 7]])
    content['annotations'] = content['annotations'][:2]
    settings = dict(classes=['car', 'background'], undrawn='background')
    found = labels('coco', write('x.json', content), **settings)['town/a']
    expected = 1 - MASK
    expected[7, :2] = 255
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    'segmentation, said',
    [
        ([[3, 2, 7, 2, 7, 5, 3]], 'each a list of x, y'),
        ([[3, 2, 7, 2, 7, 1e308]], '1e+308'),
        ([3, 2, 7, 2, 7, None], 'each a list of x, y'),
        (['xyxyxy'], 'each a list of x, y'),
        (dict(size=[10, 8], counts=runs(MASK)), 'its size is [10, 8]'),
        (dict(size=[8, 10], counts=[3, 4]), 'do not fill'),
        (dict(size=[8, 10], counts=[-3, 83]), 'no numbers'),
        (dict(size=[8, 10], counts='?????'), 'cannot be decoded'),
        (dict(size=[8, 10], counts='ä'), 'cannot be decoded'),
        (dict(size=[8, 10]), 'no numbers'),
        (3, 'its size is None'),
    ],
)
def test_coco_rejects_damaged_segmentations(
    refusal, write, segmentation, said
):
    found = refusal('coco', write('x.json', record(segmentation)))
    assert 'x.json: town/a.jpg' in found and said in found


@pytest.mark.parametrize(
    'content, said',
    [
        ([], 'categories=None'),
        (record(images=[dict(id=7, file_name='../a')]), "'../a'"),
        (record(categories=[]), "the category '5'"),
        (record([], images=[]), "images '7'"),
        (
            record(images=[dict(id=7, file_name='a')]),
            'x.json: a has no size of the image; give the folder of the',
        ),
        (record(annotations=[3]), 'category_id=None'),
    ],
)
def test_coco_rejects_damaged_files(refusal, write, content, said):
    if content and not content['annotations']:
        content['annotations'] = record(compressed(MASK))['annotations']
    found = refusal('coco', write('x.json', content))
    assert 'x.json' in found and said in found


@pytest.mark.parametrize('size', [{}, dict(width=0, height=0)])
def test_coco_takes_the_size_of_the_image(labels, write, size):
    content = record(compressed(MASK))
    content['images'] = [dict(id=7, file_name='town/a.png', **size)]
    src = write('x.json', content)
    images = write('images/town/a.png', MASK).parents[1]
    found = labels('coco', src, images=images)['town/a']
    np.testing.assert_array_equal(found, np.where(MASK, 1, 255))


SQUARE = [[40, 40, 60, 40, 60, 60, 40, 60]]
FACADE = [[10, 10, 90, 10, 90, 90, 10, 90]]


def scene(*annotations):
    """Windows and facades in a given order."""
    names = ['window', 'facade']
    return dict(
        images=[dict(id=1, file_name='a.jpg', width=100, height=100)],
        categories=[dict(id=i, name=n) for i, n in enumerate(names)],
        annotations=[
            dict(rest, image_id=1, category_id=names.index(name))
            for name, rest in annotations
        ],
    )


@pytest.mark.parametrize('turn', [1, -1])
def test_coco_draws_a_window_over_its_facade(labels, write, summary, turn):
    shapes = [
        ('window', dict(segmentation=SQUARE)),
        ('facade', dict(segmentation=FACADE)),
    ]
    src = write('x.json', scene(*shapes[::turn]))
    label = labels('coco', src)['a']
    assert (label[40:60, 40:60] == 0).all()
    assert (label == 1).sum() == 80 * 80 - 400
    (skipped,) = summary()['skipped']
    assert skipped['reason'] == 'shape partly covered by another class'
    assert "'facade' at (10, 10) under 'window'" in skipped['names'][0]


def test_coco_draws_a_window_of_a_real_file(shared_data, labels):
    path = shared_data / 'annotation_cases/coco_window_under_facade.json'
    if not path.is_file():
        pytest.skip(f'{path} is missing')
    label = labels('coco', path)['a']
    assert (label == 0).sum() == 400 and (label == 1).sum() == 6000


BOX = ('window', dict(segmentation=[], bbox=[40, 40, 20, 20]))


def test_coco_skips_boxes_without_segmentation(labels, write, summary):
    corner = ('facade', dict(segmentation=[[0, 0, 9, 0, 9, 9]]))
    src = write('x.json', scene(BOX, corner))
    assert {*labels('coco', src)['a'].ravel().tolist()} == {1, 255}
    reasons = [s['reason'] for s in summary()['skipped']]
    assert (
        'box without segmentation, which is no outline (see --boxes), skipped'
        in reasons
    )


def test_coco_fills_boxes(labels, write, summary):
    src = write('x.json', scene(BOX))
    label = labels('coco', src, boxes='fill')['a']
    assert (label[41:60, 41:60] == 0).all()
    (skipped,) = summary()['skipped']
    assert 'as if it were an outline' in skipped['reason']


@pytest.mark.parametrize('closed', [False, True])
@pytest.mark.parametrize('wider', [0, 1])
def test_coco_skips_polygons_that_are_their_own_boxes(
    labels, write, summary, closed, wider
):
    """As scripts make them from Pascal VOC and YOLO, and VIA of `rect`."""
    points = [40, 40, 40, 60, 60, 60, 60, 40] + [40, 40] * closed
    size = 20 + wider
    box = dict(segmentation=[points], bbox=[40, 40, size, size])
    outline = dict(segmentation=[[0, 0, 9, 0, 9, 9]], bbox=[0, 0, 9, 9])
    src = write('x.json', scene(('window', box), ('facade', outline)))
    label = labels('coco', src)['a']
    assert {*label.ravel().tolist()} == {1, 255}
    assert [s['reason'] for s in summary()['skipped']] == [
        'polygon of the corners of its box, which is no outline (see '
        '--boxes), skipped'
    ]


def test_coco_fills_polygons_that_are_their_own_boxes(labels, write):
    box = dict(segmentation=SQUARE, bbox=[40, 40, 20, 20])
    src = write('x.json', scene(('window', box)))
    label = labels('coco', src, boxes='fill')['a']
    assert (label[40:60, 40:60] == 0).all() and (label == 0).sum() == 400


@pytest.mark.parametrize(
    'points, box',
    [
        # Turned, of another box, with a fifth corner, and of two parts.
        ([[50, 40, 60, 50, 50, 60, 40, 50]], [40, 40, 20, 20]),
        (SQUARE, [10, 10, 80, 80]),
        ([[40, 40, 60, 40, 60, 60, 40, 60, 40, 50]], [40, 40, 20, 20]),
        ([*SQUARE, [0, 0, 9, 0, 9, 9]], [40, 40, 20, 20]),
    ],
)
def test_coco_draws_other_polygons_of_four_corners(labels, write, points, box):
    shape = 'window', dict(segmentation=points, bbox=box)
    label = labels('coco', write('x.json', scene(shape)))['a']
    assert label[50, 50] == 0


def test_coco_reads_files_of_via(labels, write, summary):
    """One id as a number and as a text; flat polygons; keypoints."""
    content = scene(
        ('facade', dict(segmentation=[10, 10, 90, 10, 90, 90, 12, 90])),
        ('window', dict(segmentation=SQUARE[0], bbox=[40, 40, 20, 20])),
        (
            'window',
            dict(segmentation=[[]], bbox=[], keypoints=[30.5, 70.5, 2]),
        ),
    )
    for entry in content['annotations']:
        entry['image_id'] = str(entry['image_id'])
    label = labels('coco', write('x.json', content), radius=0)['a']
    assert np.argwhere(label == 0).tolist() == [[70, 30]]
    assert label[50, 20] == 1
    counts = {s['reason']: s['count'] for s in summary()['skipped']}
    assert {*counts.values()} == {1} and len(counts) == 2


def test_coco_sorts_categories_of_ids_in_texts(labels, write, summary):
    names = {'10': 'c', '9': 'b', 'x': 'd', '0': 'a'}
    content = record([[3, 2, 7, 2, 7, 5]])
    content['categories'] = [dict(id=i, name=n) for i, n in names.items()]
    content['annotations'][0]['category_id'] = 9
    label = labels('coco', write('x.json', content))['town/a']
    assert label[2, 5] == 1
    assert [c['name'] for c in summary()['classes']] == [*'abcd']


def test_coco_draws_visible_keypoints_without_a_segmentation(
    labels, write, summary
):
    keypoints = [5, 5, 2, 0, 0, 0, 30, 5, 1, 70, 80, 2]
    shapes = (
        ('window', dict(keypoints=keypoints, bbox=[5, 5, 66, 76])),
        ('facade', dict(segmentation=FACADE, keypoints=[1, 1, 2])),
    )
    src = write('x.json', scene(*shapes))
    label = labels('coco', src, radius=0, undrawn='facade')['a']
    assert np.argwhere(label == 0).tolist() == [[5, 5], [80, 70]]
    # The rest of its box is unknown.
    assert label[5, 6] == 255 and label[0, 0] == 1
    reasons = {s['reason'] for s in summary()['skipped']}
    assert 'hidden keypoint, left out' in reasons


@pytest.mark.parametrize('keypoints', [7, [1, 2], ['x', 1, 2]])
def test_coco_rejects_damaged_keypoints(refusal, write, keypoints):
    src = write('x.json', scene(('window', dict(keypoints=keypoints))))
    assert 'x.json: a.jpg has' in refusal('coco', src)


OTHER_NAMES = [
    '../images/town/a.png',
    '..\\..\\media\\town\\a.png',
    '/home/me/town/a.png',
    'C:\\photos\\town\\a.png',
    's3://bucket/town/a.png',
    'https://host/data/town/a.png?size=1',
    '/data/local-files/?d=x/town/a.png',
]


@pytest.mark.parametrize('name', OTHER_NAMES)
def test_coco_finds_images_by_the_end_of_a_path(labels, write, name):
    content = record(compressed(MASK))
    content['images'][0]['file_name'] = name
    write('images/a.png', MASK)
    images = write('images/town/a.png', MASK).parents[1]
    assert {*labels('coco', write('x.json', content), images=images)} == {
        'town/a'
    }


@pytest.mark.parametrize('name', OTHER_NAMES)
def test_coco_needs_images_for_paths_of_another_computer(refusal, write, name):
    content = record(compressed(MASK))
    content['images'][0]['file_name'] = name
    said = refusal('coco', write('x.json', content))
    assert 'give the folder of the images with --images' in said


def test_coco_reads_no_image_outside_of_the_folder(refusal, write):
    content = record(compressed(MASK))
    content['images'][0]['file_name'] = '../secret.png'
    write('secret.png', MASK)
    images = write('images/b.png', MASK).parent
    said = refusal('coco', write('x.json', content), images=images)
    assert 'holds no image for any of 1 annotations' in said


def test_coco_keeps_folders_of_names_within_the_folder(labels, write):
    """An image of another folder may have the same name."""
    content = record(compressed(MASK), compressed(MASK))
    content['images'] += [dict(id=8, file_name='a.jpg', width=10, height=8)]
    content['annotations'][1]['image_id'] = 8
    images = write('images/a.png', MASK).parent
    src = write('x.json', content)
    assert {*labels('coco', src, images=images)} == {'a'}


def test_coco_leaves_pixels_of_a_skipped_box_unlabelled(labels, write):
    shapes = BOX, ('facade', dict(segmentation=[[0, 0, 45, 0, 45, 45]]))
    src = write('x.json', scene(*shapes))
    label = labels('coco', src, undrawn='facade')['a']
    assert (label[46:60, 46:60] == 255).all()
    assert label[41, 44] == 1 and label[90, 90] == 1


def test_coco_ignores_undrawn_beside_a_shapeless_object(labels, write):
    shapes = ('window', {}), ('window', dict(segmentation=SQUARE))
    src = write('x.json', scene(*shapes))
    label = labels('coco', src, undrawn='facade')['a']
    assert {*label.ravel().tolist()} == {0, 255}


@pytest.mark.parametrize(
    'box',
    [[1, 2, 3], ['a'] * 4, 7, [0, 0, 1e300, 1]],
    ids=['three numbers', 'text', 'one number', 'too large'],
)
def test_coco_rejects_damaged_boxes(refusal, write, box):
    src = write('x.json', scene(('window', dict(bbox=box))))
    assert 'x.json: a.jpg has' in refusal('coco', src)


def test_coco_notes_shapes_beyond_the_image(labels, write, summary):
    shapes = (
        ('window', dict(segmentation=[[50, 50, 150, 50, 150, 60]])),
        ('window', dict(segmentation=[[5.1, 5.1, 5.2, 5.1, 5.2, 5.2]])),
        ('facade', dict(segmentation=SQUARE[:1])),
    )
    labels('coco', write('x.json', scene(*shapes)))
    counts = {s['reason']: s['count'] for s in summary()['skipped']}
    assert counts['shape beyond the image, cut at its border'] == 1
    assert counts['shape without a pixel, dropped'] == 1


@pytest.mark.parametrize(
    'kind, entry, said',
    [
        ('categories', dict(id=5, name='tree'), "for 'car' and 'tree'"),
        (
            'images',
            dict(id=7, file_name='b.jpg', width=10, height=8),
            "for 'town/a.jpg' and 'b.jpg'",
        ),
    ],
)
def test_coco_rejects_one_id_for_two_names(refusal, write, kind, entry, said):
    content = record(compressed(MASK))
    content[kind].append(entry)
    found = refusal('coco', write('x.json', content))
    assert f'twice in {kind}, {said}' in found
