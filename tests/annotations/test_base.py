"""Listing annotations, and finding their images."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from mmseg_sesam.annotations import READERS
from mmseg_sesam.annotations.base import safe_key

LABEL = np.zeros((4, 6), np.uint8)


@pytest.mark.parametrize(
    'name, key',
    [
        ('a.jpg', 'a'),
        ('town/deep/a.v1.JPG', 'town/deep/a.v1'),
        ('town\\a.png', 'town/a'),
        ('photo.jfif', 'photo'),
        ('2008_000001', '2008_000001'),
        ('frame.0001', 'frame.0001'),
    ],
)
def test_safe_key_removes_the_suffix_of_an_image(name, key, tmp_path):
    assert safe_key(name, tmp_path) == key


@pytest.mark.parametrize(
    'name',
    ['../a.jpg', 'a/../../b', '/etc/a.png', '\\\\host\\a', 'C:\\a', '', '.']
    + ['a\0b', 'a\nb', 'x' * 250, None, 3, ['a']],
)
def test_safe_key_rejects_names_that_leave_their_folder(name, tmp_path):
    with pytest.raises(ValueError) as error:
        safe_key(name, tmp_path / 'file.json')
    assert 'file.json' in str(error.value)
    assert '\n' not in str(error.value)


def test_items_rejects_two_annotations_with_one_key(write, refusal):
    images = [
        dict(id=i, file_name=name, width=6, height=4)
        for i, name in enumerate(['a.jpg', 'b.jpg', 'a.png'])
    ]
    path = write('x.json', dict(images=images, annotations=[], categories=[]))
    said = refusal('coco', path)
    assert 'a.jpg' in said and 'a.png' in said and 'rename' in said


def test_items_joins_entries_of_one_image(write, labels, summary):
    images = [
        dict(id=i, file_name=name, width=6, height=4)
        for i, name in enumerate(['a.jpg', 'b.jpg', 'a.jpg'])
    ]
    shapes = [
        dict(image_id=i, category_id=c, segmentation=[[x, 0, x + 2, 0, x, 3]])
        for i, c, x in ((0, 1, 0), (1, 1, 2), (2, 2, 3))
    ]
    names = [dict(id=1, name='cat'), dict(id=2, name='dog')]
    content = dict(images=images, annotations=shapes, categories=names)

    found = labels('coco', write('x.json', content))

    np.testing.assert_array_equal(np.unique(found['a']), [0, 1, 255])
    np.testing.assert_array_equal(np.unique(found['b']), [0, 255])
    assert 'joined: a.' in summary()['remarks'][0]


def test_items_rejects_entries_of_one_image_that_differ(write, refusal):
    images = [
        dict(id=i, file_name='a.jpg', width=6 + i, height=4) for i in (0, 1)
    ]
    path = write('x.json', dict(images=images, annotations=[], categories=[]))
    said = refusal('coco', path)
    assert 'a.jpg' in said and '(6, 4)' in said and '(7, 4)' in said


def test_items_rejects_a_folder_without_annotations(refusal, tmp_path, write):
    src = write('readme.txt', 'nothing').parent
    for name, settings in {
        'ade20k': {},
        'cityscapes-coarse': {},
        'color-png': dict(colors='voc'),
        'index-png': {},
        'labelme': dict(classes=['a']),
        'scribbles4all': dict(values='ids'),
        'scribblesup': dict(size=(4, 4)),
    }.items():
        said = refusal(name, src, **settings)
        assert str(src) in said and name in said
    assert 'does not exist' in refusal('index-png', tmp_path / 'nowhere')


def test_items_leaves_out_annotations_without_image(labels, summary, write):
    for name in ('town/a', 'town/b', '._c'):
        src = write(f'weak/{name}.PNG', LABEL).parents[1]
    write('images/town/a.jpg', LABEL)
    images = write('images/c.jpg', LABEL).parent
    assert {*labels('index-png', src / 'weak', images=images)} == {'town/a'}
    skipped = {s['reason']: s['names'] for s in summary()['skipped']}
    assert skipped['annotation without an image, left out'] == ['town/b']
    assert skipped['image without an annotation'] == ['c']


@pytest.mark.parametrize(
    'of_label, of_image', [('NFC', 'NFD'), ('NFD', 'NFC')]
)
def test_items_matches_names_of_another_unicode_form(
    labels, write, of_label, of_image
):
    label, image = (
        unicodedata.normalize(form, 'caf\u00e9')
        for form in (of_label, of_image)
    )
    src = write(f'weak/{label}.png', LABEL).parent
    images = write(f'images/{image}.jpg', LABEL).parent

    assert {*labels('index-png', src, images=images)} == {image}


def test_items_rejects_a_folder_without_matching_images(refusal, write):
    src = write('weak/a.png', LABEL).parent
    images = write('images/b.jpg', LABEL).parent
    said = refusal('index-png', src, images=images)
    assert 'looked for a with .bmp, ' in said and 'or .webp' in said
    assert f'found {images}/b.jpg' in said
    said = refusal('index-png', src, images=images / 'x')
    assert 'is not a folder' in said


def test_items_rejects_two_images_of_one_name(refusal, write):
    src = write('weak/a.png', LABEL).parent
    write('images/a.png', LABEL)
    images = write('images/a.jpg', LABEL).parent
    said = refusal('index-png', src, images=images)
    assert 'a.jpg' in said and 'a.png' in said


def test_convert_rejects_labels_of_another_size_than_their_image(
    refusal, write
):
    src = write('weak/a.png', LABEL).parent
    images = write('images/a.jpg', LABEL.T).parent
    said = refusal('index-png', src, images=images)
    assert '6 x 4' in said and '4 x 6' in said and 'a.jpg' in said


def test_readers_registers_every_format():
    assert {*READERS} == {
        'ade20k',
        'cityscapes-coarse',
        'coco',
        'color-png',
        'cvat',
        'index-png',
        'label-studio',
        'labelme',
        'scribbles4all',
        'scribblesup',
        'whats-the-point',
    }
