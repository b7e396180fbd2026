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


def test_coco_sorts_categories_of_ids_in_texts(labels, write, summary):
    names = {'10': 'c', '9': 'b', 'x': 'd', '0': 'a'}
    content = record([[3, 2, 7, 2, 7, 5]])
    content['categories'] = [dict(id=i, name=n) for i, n in names.items()]
    content['annotations'][0]['category_id'] = 9
    label = labels('coco', write('x.json', content))['town/a']
    assert label[2, 5] == 1
    assert [c['name'] for c in summary()['classes']] == [*'abcd']


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
