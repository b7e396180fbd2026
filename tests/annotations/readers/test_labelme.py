"""LabelMe's JSON files.

The layout is that of https://github.com/wkentaro/labelme: shapes as in
labelme/utils/shape.py, masks as PNG in base64 from their top left corner.
"""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

CLASSES = ['zero', 'one', 'two']


def png(mask) -> str:
    buffer = BytesIO()
    Image.fromarray(np.array(mask, np.uint8) * 255).save(buffer, 'png')
    return base64.b64encode(buffer.getvalue()).decode()


def shape(kind, label, points, **more):
    return dict(label=label, points=points, shape_type=kind, **more)


def record(*shapes, **changes):
    return dict(
        dict(
            version='5.5.0',
            flags={},
            shapes=[*shapes],
            imagePath='../images/a.jpg',
            imageData=None,
            imageHeight=12,
            imageWidth=16,
        ),
        **changes,
    )


def test_labelme_draws_real_files_as_expected(shared_data, labels):
    """VOC images of LabelMe's examples; its export made the labels."""
    folder = shared_data / 'voc_mini'
    if not folder.is_dir():
        pytest.skip(f'{folder} is missing')
    found = labels(
        'labelme',
        folder / 'labelme',
        classes=['voc'],
        undrawn='background',
        images=folder / 'JPEGImages',
    )
    assert len(found) == 3
    for key, label in found.items():
        with Image.open(folder / 'SegmentationClass' / f'{key}.png') as image:
            expected = np.array(image)
        # Pillow's rasteriser changed by a pixel since they were made.
        assert (label != expected).sum() <= 2
        assert len(np.unique(label)) > 2


def test_labelme_reads_real_files_as_weak_labels(shared_data, labels):
    folder = shared_data / 'voc_mini/labelme'
    if not folder.is_dir():
        pytest.skip(f'{folder} is missing')
    for label in labels('labelme', folder, classes=['voc']).values():
        assert 0 not in label and 255 in label


def test_labelme_draws_all_shapes(labels, write):
    shapes = (
        shape('polygon', 'one', [[1, 1], [4, 1], [4, 3], [1, 3]]),
        shape('rectangle', 'two', [[10, 4], [8, 2]]),
        shape('line', 'one', [[1, 6], [5, 6]]),
        shape('linestrip', 'two', [[1, 8], [5, 8], [5, 10]]),
        shape('point', 'zero', [[13.4, 1.2]]),
        shape('circle', 'one', [[12, 8], [13, 8]]),
        shape(
            'mask', 'two', [[6.6, 6.4], [7.6, 7.4]], mask=png([[1, 0], [0, 1]])
        ),
        shape(None, 'one', [[1, 10], [3, 10], [3, 11], [1, 11]]),
    )
    src = write('town/a.json', record(*shapes)).parents[1]
    settings = dict(width=1, radius=0, boxes='fill')
    found = labels('labelme', src, classes=CLASSES, **settings)
    label = found['town/a']
    assert (label[1:4, 1:5] == 1).all()
    assert (label[2:5, 8:11] == 2).all()
    assert (label[6, 1:6] == 1).all() and label[6, 6] == 255
    assert (label[8, 1:6] == 2).all() and (label[8:11, 5] == 2).all()
    assert label[1, 13] == 0
    assert label[8, 12] == label[8, 13] == label[7, 12] == 1
    assert label[6:8, 7:9].tolist() == [[2, 255], [255, 2]]
    assert (label[10:12, 1:4] == 1).all()


def test_labelme_keeps_class_0_and_unlabelled_apart(labels, write, summary):
    shapes = (
        shape('rectangle', 'zero', [[0, 0], [5, 5]]),
        shape('rectangle', '__ignore__', [[2, 2], [3, 3]]),
    )
    src = write('a.json', record(*shapes)).parent
    label = labels('labelme', src, classes=CLASSES, boxes='fill')['a']
    assert label[0, 0] == 0 and label[2, 2] == 255 and label[9, 9] == 255
    assert summary()['classes'][0]['pixels'] == 32


def test_labelme_notes_unknown_shapes(labels, write, summary):
    shapes = [shape(kind, 'one', [[1, 1]]) for kind in ('ai_points', 'point')]
    src = write('a.json', record(*shapes)).parent
    labels('labelme', src, classes=CLASSES)
    reasons = [skipped['reason'] for skipped in summary()['skipped']]
    assert any('ai_points' in reason for reason in reasons)


def test_labelme_leaves_out_unfinished_shapes(labels, write, summary):
    shapes = (
        shape('polygon', 'one', [[1, 1], [4, 1], [4, 3], [1, 3]]),
        shape('polygon', 'two', [[9, 2], [12, 5]]),
        shape('circle', 'two', [[9, 2]]),
        shape('linestrip', 'two', []),
        shape('mask', 'two', [], mask=png([[1]])),
    )
    src = write('a.json', record(*shapes))
    label = labels('labelme', src, classes=CLASSES)['a']
    assert label[2, 2] == 1 and 2 not in label
    skipped = summary()['skipped'][:4]
    assert all('unfinished' in entry['reason'] for entry in skipped)
    (name,) = [n for s in skipped for n in s['names'] if '(9.0, 2.0)' in n][:1]
    assert name.endswith("a.json: 'two' at (9.0, 2.0)")


@pytest.mark.parametrize(
    'content, said',
    [
        (record(shape('polygon', 'cat', [[1, 1]] * 3)), "the label 'cat'"),
        (record(shape('polygon', 'one', [[1, 1], [2]])), '[[1, 1], [2]]'),
        (record(shape('line', 'one', [[1, 1], [2, 1e308]])), '1e+308'),
        (record(shape('line', 'one', [[float('nan'), 1]])), 'nan'),
        (record(shape('mask', 'one', [[0, 0], [1, 1]])), 'mask=None'),
        (record(shape('mask', 'one', [[0, 0]], mask='?')), 'cannot be read'),
        (record(shape('mask', 'one', [[0, 0]], mask='aaaa')), 'cannot be re'),
        (record(shape('mask', 'one', [[2**99, 0]], mask=png([[1]]))), 'e+29'),
        (record(imageWidth=None), 'imageWidth=None'),
        (record(imageWidth=10**9, imageHeight=10**9), '1000000000 x 1000'),
        (record(shapes={}), 'shapes={}'),
        (record(3), 'label=None'),
        ([1], 'imageWidth=None'),
    ],
)
def test_labelme_rejects_damaged_files(refusal, write, content, said):
    src = write('a.json', content).parent
    found = refusal('labelme', src, classes=CLASSES)
    assert 'a.json' in found and said in found


def test_labelme_needs_the_order_of_classes(refusal, write):
    src = write('a.json', record()).parent
    assert '--classes' in refusal('labelme', src)
    said = refusal('labelme', src, classes=CLASSES, undrawn='sky')
    assert "--undrawn has the label 'sky'" in said


def test_labelme_lists_labels_if_classes_are_missing(refusal, write):
    line = shape('line', 'car', [[1, 1], [2, 2]])
    for name in ('a', 'b'):
        src = write(f'{name}.json', record(line)).parent
    write('c.json', record(shape('point', 'dog', [[1, 1]])))
    said = refusal('labelme', src)
    assert "labels found: 'car' in 2 images, 'dog' in 1 image" in said
    said = refusal('labelme', src, classes=['dog'])
    assert "the label 'car' in 2 images (first in" in said
    assert 'a.json' in said and 'b.json' not in said


OLD = dict(imageWidth=None, imageHeight=None)


def old(**changes):
    """A file of LabelMe 2: no size, and no types of shapes."""
    content = record(
        dict(label='one', points=[[1, 1], [9, 1], [9, 9]]),
        imagePath='photo.png',
    )
    for key in ('imageWidth', 'imageHeight', 'version'):
        del content[key]
    return dict(content, **changes)


PHOTO = np.zeros((12, 16), np.uint8)


def test_labelme_takes_the_size_of_the_embedded_image(labels, write):
    src = write('a.json', old(imageData=png(PHOTO)))
    label = labels('labelme', src, classes=CLASSES)['a']
    assert label.shape == (12, 16) and label[2, 8] == 1


@pytest.mark.parametrize('path', ['photo.png', '..\\src\\photo.png'])
def test_labelme_takes_the_size_of_the_image_beside_it(labels, write, path):
    write('photo.png', PHOTO)
    src = write('a.json', old(imagePath=path))
    assert labels('labelme', src, classes=CLASSES)['a'].shape == (12, 16)


def test_labelme_takes_the_size_of_the_image(labels, write):
    images = write('images/a.png', PHOTO).parent
    src = write('json/a.json', old()).parent
    label = labels('labelme', src, classes=CLASSES, images=images)['a']
    assert label.shape == (12, 16)


@pytest.mark.parametrize(
    'changes, said',
    [
        ({}, "imagePath='photo.png'"),
        (dict(imagePath='x' * 5000), '--images'),
        (dict(imagePath=None), 'imagePath=None'),
        (dict(imageData='?'), 'imageData that cannot be read'),
        (dict(imageData='aaaa'), 'imageData that cannot be read'),
        (dict(imageData=7), 'imageData=7'),
    ],
)
def test_labelme_rejects_a_file_without_a_size(refusal, write, changes, said):
    found = refusal(
        'labelme', write('a.json', old(**changes)), classes=['one']
    )
    assert 'a.json' in found and said in found and len(found) < 500


def test_labelme_skips_boxes_and_circles(labels, write, summary):
    shapes = (
        shape('rectangle', 'one', [[1, 1], [4, 4]]),
        shape('circle', 'one', [[10, 6], [12, 6]]),
        shape('oriented_rectangle', 'one', [[1, 8], [4, 8], [4, 9], [1, 9]]),
        shape('line', 'two', [[0, 2], [15, 2]]),
    )
    src = write('a.json', record(*shapes))
    settings = dict(classes=CLASSES, undrawn='zero', width=1)
    label = labels('labelme', src, **settings)['a']
    assert 1 not in label and (label[2] == 2).all()
    assert (label[3:5, 1:5] == 255).all() and (label[8:10, 1:5] == 255).all()
    assert label[6, 10] == 255 and label[0, 0] == 0 and label[11, 15] == 0
    counts = {s['reason']: s['count'] for s in summary()['skipped']}
    for kind in ('rectangle', 'circle', 'oriented_rectangle'):
        reason = f'{kind}, which is no outline (see --boxes), skipped'
        assert counts[reason] == 1


def test_labelme_draws_several_points_of_a_shape(labels, write):
    points = shape('points', 'two', [[1, 1], [9, 9]])
    src = write('a.json', record(points))
    label = labels('labelme', src, classes=CLASSES, radius=0)['a']
    assert label[1, 1] == label[9, 9] == 2 and (label != 255).sum() == 2


def test_labelme_notes_a_file_without_shapes(labels, write, summary):
    src = write('a.json', record())
    labels('labelme', src, classes=CLASSES, undrawn='zero')
    (skipped,) = summary()['skipped']
    reason = 'annotation without a shape, all of it --undrawn'
    assert skipped['reason'] == reason


def test_labelme_notes_covered_shapes(labels, write, summary):
    corners = [[1, 1], [9, 1], [9, 9], [1, 9]]
    shapes = shape('polygon', 'one', corners), shape('polygon', 'two', corners)
    label = labels(
        'labelme', write('a.json', record(*shapes)), classes=CLASSES
    )
    assert 1 not in label['a']
    (skipped,) = summary()['skipped']
    assert skipped['reason'] == 'shape completely covered by another class'
    assert "'one' at (1, 1) under 'two'" in skipped['names'][0]
