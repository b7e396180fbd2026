"""Tasks in exports of Label Studio: their images and annotations."""

from __future__ import annotations

import numpy as np
import pytest
from label_studio_tasks import (
    CLASSES,
    SIZE,
    SQUARE,
    UPLOAD,
    dot,
    polygon,
    task,
)
from PIL import Image


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


def test_label_studio_rejects_predictions_by_id(labels, refusal, write):
    """The export of a project holds predictions as ids."""
    src = write('a.json', [task(annotations=[], predictions=[4])])
    said = refusal('label-studio', src, classes=CLASSES, predictions='read')
    assert 'a.jpg has predictions=[4], which are ids alone' in said
    assert 'tasks.json' in said and 'predictions.only_id' in said
    # By default predictions are not looked at.
    src = write('b.json', [task(SQUARE, predictions=[4])])
    assert [*labels('label-studio', src, classes=CLASSES)] == ['a']


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
