"""Options that name labels, and the labels that shapes have."""

from __future__ import annotations

import time

import pytest

CORNERS = [[1, 1], [9, 1], [9, 9]]


@pytest.fixture
def src(write):
    """Two cars and a void in three files."""
    for name, label in dict(a='car', b='car', c='void').items():
        shapes = [dict(label=label, points=CORNERS)]
        content = dict(imageWidth=10, imageHeight=10, shapes=shapes)
        path = write(f'{name}.json', content)
    return path.parent


def test_check_shows_progress_if_it_takes_long(
    labels, src, monkeypatch, capsys
):
    # Two seconds are over at once.
    monkeypatch.setattr(time, 'time', lambda: 1e12)
    labels('labelme', src, classes=['car', 'void'])
    assert 'reading labels: 3/3 [' in capsys.readouterr().err


@pytest.mark.parametrize(
    'settings, said',
    [
        ({}, 'give the names of the classes'),
        (dict(classes=['car', 'void'], unlabelled=['viod']), "'viod', which"),
        (dict(classes=['car'], unlabelled=['void', 'sky']), "'sky', which"),
    ],
)
def test_check_lists_the_labels_in_errors(refusal, src, settings, said):
    found = refusal('labelme', src, **settings)
    assert said in found and str(src) in found
    assert "labels found: 'car' in 2 images, 'void' in 1 image" in found


@pytest.mark.parametrize(
    'settings, said',
    [
        (dict(classes=['car']), "the label 'void' in 1 image (first in"),
        (dict(classes=['cat']), "'car' in 2 images, 'void' in 1 image (fir"),
        (
            dict(classes=['car', 'void'], unlabelled=['void']),
            "'void' is in --classes and in --unlabelled",
        ),
        (
            dict(classes=['car'], unlabelled=['void'], undrawn='void'),
            "--undrawn is 'void', which --unlabelled makes no class",
        ),
        (
            dict(classes=['car', 'void'], undrawn='sky'),
            "--undrawn has the label 'sky'",
        ),
    ],
)
def test_check_rejects_options_that_contradict_the_labels(
    refusal, src, out, settings, said
):
    assert said in refusal('labelme', src, **settings)
    assert not out.exists()


def test_check_lists_twenty_labels_at_most(refusal, write):
    shapes = [dict(label=f'label {i}', points=CORNERS) for i in range(50)]
    content = dict(imageWidth=10, imageHeight=10, shapes=shapes)
    said = refusal('labelme', write('a.json', content), classes=['x'])
    assert 'label 19' in said and 'label 20' not in said
    assert '30 more' in said


def test_check_allows_any_unlabelled_beside_a_damaged_file(
    refusal, src, write
):
    write('d.json', '{')
    settings = dict(classes=['car', 'void'], unlabelled=['sky'])
    said = refusal('labelme', src, **settings)
    assert 'd.json cannot be read' in said


def test_check_allows_classes_without_a_shape(labels, src, summary):
    """A part of a data set may lack a class, and keeps the ids."""
    found = labels('labelme', src, classes=['sky', 'car', 'void'])
    assert {*found['a'].ravel().tolist()} == {1, 255}
    assert [c['pixels'] > 0 for c in summary()['classes']] == [0, 1, 1]


def test_check_allows_unlabelled_that_only_the_file_lists(labels, write):
    categories = [dict(id=i, name=n) for i, n in enumerate(['car', 'void'])]
    images = [dict(id=1, file_name='a.jpg', width=9, height=9)]
    shape = dict(image_id=1, category_id=0, segmentation=[[1, 1, 5, 1, 5, 5]])
    content = dict(categories=categories, images=images, annotations=[shape])
    src = write('x.json', content)
    label = labels('coco', src, unlabelled=['void'])['a']
    assert {*label.ravel().tolist()} == {0, 255}


def test_check_adds_unlabelled_names_to_the_default(labels, write):
    shapes = [
        dict(label=label, points=[[x, 1], [x + 2, 1], [x + 2, 3]])
        for x, label in enumerate(['car', 'void', '__ignore__'])
    ]
    content = dict(imageWidth=10, imageHeight=10, shapes=shapes)
    src = write('a.json', content)
    found = labels('labelme', src, classes=['car'], unlabelled=['void'])
    assert {*found['a'].ravel().tolist()} == {0, 255}


def test_check_remarks_on_a_class_named_void(labels, src, summary):
    labels('labelme', src, classes=['car', 'void'])
    assert "'void' is a class to be learned" in summary()['remarks'][0]
