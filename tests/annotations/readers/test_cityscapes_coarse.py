"""Cityscapes' labels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cityscapesscripts.helpers.annotation import Annotation
from cityscapesscripts.preparation.json2labelImg import createLabelImage

STEM = 'train/aachen/aachen_000000_000019_gtCoarse'
KEY = f'{STEM}_labelTrainIds'


@pytest.fixture
def polygons() -> dict:
    rng = np.random.default_rng(0)
    names = ['road', 'car', 'cargroup', 'sky', 'license plate', 'ego vehicle']
    objects = [
        dict(label=name, polygon=rng.integers(-3, 66, (5, 2)).tolist())
        for name in names
    ]
    objects.append(dict(objects[0], deleted=1))
    return dict(imgWidth=64, imgHeight=48, objects=objects)


def test_cityscapes_turns_label_ids_into_train_ids(labels, write, summary):
    ids = np.array([[0, 3, 7, 8], [26, 33, 33, 5]], np.uint8)
    src = write(f'{STEM}_labelIds.png', ids)
    write(f'{STEM}_color.png', np.zeros((2, 4, 3), np.uint8))
    images = write(
        'leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png',
        np.zeros((2, 4), np.uint8),
    ).parents[2]
    src = src.parents[2]
    (found,) = labels('cityscapes-coarse', src, images=images).items()
    assert found[0] == KEY
    assert found[1].tolist() == [[255, 255, 0, 1], [13, 18, 18, 255]]
    assert summary()['classes'][18]['name'] == 'bicycle'


def test_cityscapes_draws_polygons_as_the_official_script(
    labels, write, polygons
):
    """https://github.com/mcordts/cityscapesScripts, json2labelImg.py."""
    src = write(f'{STEM}_polygons.json', polygons).parents[2]
    found = labels('cityscapes-coarse', src, source='polygons')
    annotation = Annotation()
    annotation.fromJsonText(json.dumps(polygons))
    expected = np.array(createLabelImage(annotation, 'trainIds'))
    np.testing.assert_array_equal(found[KEY], expected)
    assert {0, 13, 255} <= {*np.unique(expected).tolist()}


def test_cityscapes_keeps_train_ids(labels, write):
    ids = np.array([[0, 18, 255]], np.uint8)
    src = write(f'{KEY}.png', ids).parents[2]
    found = labels('cityscapes-coarse', src, source='labelTrainIds')
    assert found[KEY].tolist() == [[0, 18, 255]]


def test_cityscapes_rejects_other_label_ids(refusal, write):
    src = write(f'{STEM}_labelIds.png', np.array([[7, 34, 99]], np.uint8))
    said = refusal('cityscapes-coarse', src.parent)
    assert 'labelIds.png holds the values [34, 99]' in said


def test_cityscapes_rejects_other_train_ids(refusal, write):
    src = write(f'b/{KEY}.png', np.array([[7, 19]], np.uint8)).parent
    said = refusal('cityscapes-coarse', src, source='labelTrainIds')
    assert 'labelTrainIds.png holds the values [19]' in said


@pytest.mark.parametrize(
    'change, said',
    [
        (dict(label='dragon'), "the label 'dragon'"),
        (dict(label=3), 'label=3'),
        (dict(polygon=[[0, 0], [1, 1e308], [2, 2]]), '1e+308'),
        (dict(polygon=[[0, 0], [1]]), '[[0, 0], [1]]'),
        (dict(polygon=None), 'polygon=None'),
    ],
)
def test_cityscapes_rejects_damaged_polygons(
    refusal, write, polygons, change, said
):
    polygons['objects'][1].update(change)
    src = write(f'{STEM}_polygons.json', polygons).parent
    found = refusal('cityscapes-coarse', src, source='polygons')
    assert 'polygons.json' in found and said in found
