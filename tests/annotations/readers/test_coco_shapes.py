"""Shapes of COCO's files: their order, boxes and keypoints."""

from __future__ import annotations

import numpy as np
import pytest

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
