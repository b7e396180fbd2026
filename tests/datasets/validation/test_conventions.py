"""Checks of the ids in labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from pipelines import place_of

from mmseg_sesam.datasets.validation import Finding
from mmseg_sesam.io.labels import write_label


@pytest.fixture
def find(data) -> Any:
    """Returns the one finding where all weak labels are a given label."""

    def find(label: np.ndarray, num_classes: int = 3) -> Finding:
        data.save(label)
        place = place_of(data.train.pipeline, 'LoadWeakAnnotations')
        data.train.pipeline[place].num_classes = num_classes
        data.cfg.model.decode_head.num_classes = num_classes
        data.train_alone()
        more = range(3, num_classes)
        data.train.metainfo.classes = (*data.classes, *map(str, more))
        palette = [*data.palette, *([9, 9, i] for i in more)]
        data.train.metainfo.palette = palette
        absent = 'these classes never appear'
        findings = data.validate().findings
        found = [f for f in findings if absent not in f.problem]
        assert len(found) == 1, found
        return found[0]

    return find


def test_check_ids_no_class(data, find) -> None:
    label = data.weak_label()
    label[0, 0] = 77
    finding = find(label)

    assert finding.level == 'error' and len(finding.files) == 4
    assert 'hold the ids 77, expected ids below 3, or 255' in str(finding)


def test_check_ids_that_the_data_set_does_not_name(data) -> None:
    data.train_alone()
    data.train.update(
        type='MappedSegDataset', file_classes=['tree', 'road', 'house']
    )
    assert data.validate().number('error') == 0
    data.train.file_classes = ['road', 'tree']

    findings = data.validate().findings
    (finding,) = (f for f in findings if f.level == 'error')

    assert len(finding.files) == 4
    assert 'hold the ids 2, which the data set does not name' in str(finding)


@pytest.mark.parametrize('value, num_classes', [(21, 21), (254, 3)])
def test_check_ids_another_value_for_unlabelled(
    data, find, value: int, num_classes: int
) -> None:
    label = data.weak_label()
    label[label == 255] = value
    finding = find(label, num_classes)

    assert finding.level == 'error' and f'ids {value},' in finding.problem
    assert f'{value} seems to mean unlabelled' in finding.remedy
    assert f'index-png --unlabelled {value}`' in finding.remedy


def test_check_ids_label_ids_of_cityscapes(data, find) -> None:
    label = data.weak_label()
    label[0], label[1], label[2] = 33, 26, 7
    finding = find(label, 19)

    assert finding.level == 'error' and 'ids 26, 33' in finding.problem
    assert '_labelTrainIds.png' in finding.remedy


def test_check_ids_renderings_turned_grey(data, find) -> None:
    palette = np.array([data.palette], 'uint8')
    grey = np.array(Image.fromarray(palette).convert('L'))
    label = np.full(data.shape, 255, np.uint8)
    label[:, :3] = grey[0]
    finding = find(label)

    assert finding.level == 'error'
    assert "grey levels of the palette's colours" in finding.remedy


def test_check_ids_from_one_with_zero_for_unlabelled(data, find) -> None:
    label = data.weak_label() + np.uint8(1)
    label[0, 0] = 255
    finding = find(label)

    assert finding.level == 'error' and 'ids 3,' in finding.problem
    assert 'reduce_zero_label=True' in finding.remedy


@pytest.mark.parametrize('pseudo_labels', [True, False])
def test_check_unlabelled_zero(data, find, pseudo_labels: bool) -> None:
    if not pseudo_labels:
        place = place_of(data.train.pipeline, 'LoadPseudoLabel')
        del data.train.pipeline[place:]
    label = data.weak_label()
    label[label == 255] = 0
    finding = find(label)

    assert finding.level == 'warning' and finding.files == ()
    assert '0 covers 73% of the pixels and 255 never' in finding.problem
    assert 'reduce_zero_label=True' in finding.remedy


def test_check_unlabelled_dense_labels(data, find) -> None:
    finding = find(data.dense_label())

    assert finding.level == 'warning'
    assert '255 never appears' in finding.problem
    assert 'SimulateWeakLabel' in finding.remedy


def test_check_unlabelled_simulated_labels_may_be_dense(data) -> None:
    data.train.data_prefix.seg_map_path = 'dense'
    step = dict(type='SimulateWeakLabel', kind='point', data_root='')
    place = place_of(data.train.pipeline, 'LoadPseudoLabel')
    data.train.pipeline.insert(place, step)

    assert data.validate().findings == []


def test_check_absent_classes_are_named(data) -> None:
    label = data.weak_label()
    label[label == 1] = 255
    data.save(label)

    finding = data.only()
    assert finding.level == 'warning'
    assert 'these classes never appear: 1 house;' in str(finding)
    assert 'take them out of the classes' in finding.remedy


def test_check_absent_classes_of_validation_are_not_measured(data) -> None:
    for path in data.root.glob('dense/**/*.png'):
        label = data.dense_label()
        label[label == 1] = 0
        write_label(path, label)

    finding = data.only('val, test')
    assert 'these classes never appear: 1 house;' in str(finding)
    assert 'not measured' in finding.remedy
    assert 'take them out' not in finding.remedy


def test_check_absent_classes_masks_of_0_and_255(data) -> None:
    label = np.where(data.dense_label() == 1, np.uint8(255), np.uint8(0))
    data.save(label)
    data.train.metainfo = dict(classes=('back', 'front'))
    place = place_of(data.train.pipeline, 'LoadWeakAnnotations')
    data.train.pipeline[place].num_classes = 2
    data.cfg.model.decode_head.num_classes = 2
    data.train_alone()

    finding = data.only()
    assert '1 front (and 255 does, which' in finding.problem
    assert 'write the foreground as 1' in finding.remedy


def test_check_absent_classes_no_label_at_all(data) -> None:
    data.save(np.full(data.shape, 255, np.uint8))

    report = data.validate()
    assert 'no label holds any class' in str(report)
    assert report.number('error') == 1
    assert report.summaries['train']['without_label'] == 4


@pytest.mark.parametrize(
    ('folder', 'split', 'remedy'),
    [
        ('weak', 'train', "remove the files and set unlabelled='allow' of Lo"),
        ('dense', 'val, test', 'or take the images out of the list'),
    ],
)
def test_check_empty_labels(data, folder: str, split: str, remedy) -> None:
    path = data.root / folder / 'b.png'
    write_label(path, np.full(data.shape, 255, np.uint8))
    finding = data.only(split)
    assert finding.level == 'warning' and finding.files == (str(path),)
    assert remedy in finding.remedy
