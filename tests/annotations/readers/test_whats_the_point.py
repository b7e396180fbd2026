"""What's the Point."""

from __future__ import annotations

import numpy as np
import pytest

from mmseg_sesam.annotations import READERS

POINTS = {
    '2007_000033': [
        dict(x=3.7, y=2.2, rank=1, cls=1),
        dict(x=30, y=5, rank=2, cls=15),
    ],
    '2007_000042': [dict(x=9, y=7, rank=1, cls=20)],
}


def test_whats_the_point_draws_dots(labels, write, summary):
    """`{id: [{x, y, rank, cls}]}`, as the authors' file has it.

    Bearman et al., ECCV 2016; https://github.com/abearman/whats-the-point1.
    """
    src = write('points.json', POINTS)
    for name, size in (('2007_000033', (6, 8)), ('2007_000042', (8, 10))):
        images = write(f'images/{name}.jpg', np.zeros(size, np.uint8)).parent
    found = labels('whats-the-point', src, images=images, radius=0)
    assert np.argwhere(found['2007_000033'] != 255).tolist() == [[2, 3]]
    assert found['2007_000033'][2, 3] == 1
    assert found['2007_000042'].shape == (8, 10)
    (skipped,) = summary()['skipped']
    assert skipped['count'] == 1 and 'dropped' in skipped['reason']
    assert '2007_000033: (30.0, 5.0) of 8 x 6' in skipped['names'][0]


def test_whats_the_point_clips_points_outside(labels, write, summary):
    src = write('points.json', POINTS)
    options = dict(size=(10, 8), radius=0, outside='clip')
    found = labels('whats-the-point', src, **options)
    assert found['2007_000033'][5, 9] == 15
    assert 'clipped' in summary()['skipped'][0]['reason']


@pytest.mark.parametrize(
    'point, said',
    [
        (dict(x=1, y=2, cls=21), 'cls=21'),
        (dict(x=1, y=2, cls='cat'), "cls='cat'"),
        (dict(x=1, y=2), 'cls=None'),
        (dict(x=float('nan'), y=2, cls=1), '(nan, 2)'),
        (dict(x=1, y=[2], cls=1), 'y=[2]'),
        (3, 'cls=None'),
    ],
)
def test_whats_the_point_rejects_damaged_points(refusal, write, point, said):
    src = write('points.json', {'b': [point]})
    found = refusal('whats-the-point', src, size=(10, 8))
    assert 'points.json: b' in found and said in found


def test_whats_the_point_rejects_another_file(refusal, write):
    said = refusal('whats-the-point', write('x.json', [1]), size=(9, 9))
    assert 'x.json holds a list' in said
    said = refusal(
        'whats-the-point', write('x.json', {'../../a': []}), size=(9, 9)
    )
    assert "'../../a'" in said


def test_whats_the_point_joins_background_of_a_second_file(
    labels, write, summary
):
    """The file of classes holds no background, the second nothing else."""
    first = write('points.json', POINTS)
    second = write(
        'bg.json',
        {
            '2007_000033': [dict(x=8, y=5, cls=0)],
            '2007_000061': [dict(x=1, y=1, cls=0)],
        },
    )
    options = dict(size=(10, 8), radius=0)
    found = labels('whats-the-point', [first, second], **options)
    assert {*found} == {'2007_000033', '2007_000042', '2007_000061'}
    label = found['2007_000033']
    assert label[2, 3] == 1 and label[5, 8] == 0
    assert (label != 255).sum() == 2
    assert found['2007_000061'][1, 1] == 0
    files = summary()['settings']['src']
    assert files == [str(first), str(second)]
    assert 'background' not in ''.join(summary()['remarks'])


def test_whats_the_point_remarks_on_missing_background(labels, write, summary):
    src = write('points.json', POINTS)
    labels('whats-the-point', src, size=(40, 8))
    (remark,) = summary()['remarks']
    assert "'background'" in remark and "'aeroplane'" not in remark
    assert 'voc_whats_the_point_bg_from_scribbles.json' in remark


def test_whats_the_point_reads_a_changed_second_file_again(labels, write):
    files = [
        write('points.json', POINTS),
        write('bg.json', {'2007_000042': []}),
    ]
    options = dict(size=(10, 8), radius=0)
    before = labels('whats-the-point', files, **options)
    write('bg.json', {'2007_000042': [dict(x=2, y=2, cls=0)]})
    after = labels('whats-the-point', files, **options)
    assert before['2007_000042'][2, 2] == 255
    assert after['2007_000042'][2, 2] == 0


def test_whats_the_point_joins_clicks_on_one_pixel(labels, write, summary):
    """One dot if they have one class, and none if they have several."""
    first = [dict(x=1.2, y=1, cls=3), dict(x=1.8, y=1.9, cls=3)]
    first += [dict(x=6, y=6, cls=5)]
    src = [
        write('points.json', {'a': first}),
        write('bg.json', {'a': [dict(x=6.5, y=6.5, cls=0)]}),
    ]
    found = labels('whats-the-point', src, size=(10, 8), radius=0)['a']
    assert np.argwhere(found != 255).tolist() == [[1, 1]]
    repeated, contradicting = summary()['skipped']
    assert 'drawn once' in repeated['reason'] and repeated['count'] == 1
    assert 'several classes' in contradicting['reason']
    assert 'a: (6, 6), [0, 5]' in contradicting['names'][0]


def test_whats_the_point_names_the_damaged_file(refusal, write):
    files = [write('points.json', POINTS), write('bg.json', {'a': [], 'b': 3})]
    said = refusal('whats-the-point', files, size=(10, 8))
    assert 'bg.json: b has 3' in said


def test_whats_the_point_rejects_repeated_or_missing_files(
    refusal, write, tmp_path
):
    path = write('points.json', POINTS)
    said = refusal('whats-the-point', [path, path], size=(10, 8))
    assert 'points.json is given twice' in said
    files = [path, tmp_path / 'nowhere.json']
    said = refusal('whats-the-point', files, size=(10, 8))
    assert 'nowhere.json does not exist' in said
    said = refusal('cvat', [path, files[1]])
    assert 'cvat got 2 sources' in said


@pytest.mark.parametrize('outside', ['drop', 'clip'])
def test_whats_the_point_reads_the_real_file(shared_data, outside):
    """12180 images; 18 of its points lie outside of any image of VOC."""
    src = shared_data / 'points/voc_whats_the_point.json'
    if not src.is_file():
        pytest.skip(f'{src} is missing')
    reader = READERS['whats-the-point'](
        src, size=(500, 500), radius=0, outside=outside
    )
    items, missing = reader.items()
    assert len(items) == 12180 and not missing
    strange = {'2011_001220', '2008_003682', '2010_003573'}
    notes, drawn = [], 0
    # Every tenth, and all with points outside.
    for index, item in enumerate(items):
        (points,) = item.data['of'].values()
        x = max((p['x'] for p in points), default=0)
        if index % 10 == 0 or x >= 500:
            annotation = reader.read(item)
            notes += annotation.notes
            drawn += int((annotation.label != 255).sum())
            strange.discard(item.key)
    outside_points = [note for note in notes if 'outside' in note[0]]
    assert len(outside_points) == 18 and not strange
    word = 'dropped' if outside == 'drop' else 'clipped'
    assert {reason for reason, _ in notes} == {
        f'point outside of the image, {word}',
        # Of the image 2008_003037, whose list is empty.
        'annotation without a shape',
    }
    assert drawn > 3000


def test_whats_the_point_reads_both_real_files(shared_data):
    """800 images of VOC: 600 of training, 200 of validation."""
    points = shared_data / 'points'
    src = [
        points / 'voc_whats_the_point.json',
        points / 'voc_whats_the_point_bg_from_scribbles.json',
    ]
    images = shared_data / 'voc/VOCdevkit/VOC2012/JPEGImages'
    for path in (*src, images):
        if not path.exists():
            pytest.skip(f'{path} is missing')
    reader = READERS['whats-the-point'](src, images=images)
    items, missing = reader.items()
    assert len(items) == 800 and len(missing) == 11380
    with_background = sum(
        (reader.read(item).label == 0).any() for item in items[::20]
    )
    assert with_background == 40
