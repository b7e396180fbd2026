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
        [[3, 2, 5, 2, 5, 5, 3, 5], [5, 2, 7, 2, 7, 5, 5, 5]],
        dict(size=[8, 10], counts=runs(MASK)),
        compressed(MASK),
    ],
    ids=['polygon', 'polygons', 'runs', 'compressed'],
)
def test_polygons_and_masks(labels, write, summary, segmentation):
    src = write('x.json', record(segmentation))
    found = labels('coco', src)['town/a']
    np.testing.assert_array_equal(found, np.where(MASK, 1, 255))
    names = [c['name'] for c in summary()['classes']]
    assert names == ['road', 'car']


def test_options_of_classes(labels, write):
    src = write('x.json', record(compressed(MASK)))
    settings = dict(classes=['car', 'background'], undrawn='background')
    found = labels('coco', src, **settings)['town/a']
    np.testing.assert_array_equal(found, 1 - MASK)


def test_images_without_annotations_and_the_other_way_round(
    labels, write, summary
):
    src = write('x.json', record([], None))
    assert (labels('coco', src)['town/a'] == 255).all()
    counts = {s['reason']: s['count'] for s in summary()['skipped']}
    assert counts['annotation without segmentation, skipped'] == 2
    assert counts['label without a labelled pixel'] == 1


@pytest.mark.parametrize(
    'segmentation, said',
    [
        ([[3, 2, 7]], 'no list of x, y'),
        ([[3, 2, 7, 2]], 'without 3 points'),
        ([[3, 2, 7, 2, 7, 1e308]], '1e+308'),
        ([3, 2, 7, 2, 7, 5], 'no list of x, y'),
        (['xyxyxy'], 'no list of x, y'),
        (dict(size=[10, 8], counts=runs(MASK)), 'its size is [10, 8]'),
        (dict(size=[8, 10], counts=[3, 4]), 'do not fill'),
        (dict(size=[8, 10], counts=[-3, 83]), 'no numbers'),
        (dict(size=[8, 10], counts='?????'), 'cannot be decoded'),
        (dict(size=[8, 10], counts='ä'), 'cannot be decoded'),
        (dict(size=[8, 10]), 'no numbers'),
        (3, 'its size is None'),
    ],
)
def test_segmentations_that_are_none(refusal, write, segmentation, said):
    found = refusal('coco', write('x.json', record(segmentation)))
    assert 'x.json: town/a.jpg' in found and said in found


@pytest.mark.parametrize(
    'content, said',
    [
        ([], 'categories=None'),
        (record(images=[dict(id=7, file_name='../a')]), "'../a'"),
        (record(categories=[]), 'the category 5'),
        (record([], images=[]), 'images [7]'),
        (record(annotations=[3]), 'category_id=None'),
    ],
)
def test_files_that_are_none(refusal, write, content, said):
    if content and not content['annotations']:
        content['annotations'] = record(compressed(MASK))['annotations']
    found = refusal('coco', write('x.json', content))
    assert 'x.json' in found and said in found
