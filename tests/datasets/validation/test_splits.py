"""What a config says of a data set's files and labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmseg.datasets import BaseSegDataset
from mmseg.registry import TRANSFORMS
from pipelines import place_of

from mmseg_sesam.datasets.validation.splits import read_splits
from mmseg_sesam.io.labels import write_label


def test_read_splits_classes_derived_from_loaders(data) -> None:
    class Reader(TRANSFORMS.get('LoadImageFromFile')):
        def __init__(self, color_type: str = 'unchanged', **kwargs) -> None:
            super().__init__(color_type=color_type, **kwargs)

    class Labels(TRANSFORMS.get('LoadWeakAnnotations')):
        pass

    data.train.pipeline = [
        dict(type=Reader),
        dict(type=Labels, num_classes=3),
    ]
    (split,), _ = read_splits(data.cfg, ('train',))

    assert split.is_readable and not split.turns
    assert split.sparse and len(split.labels) == 4
    assert split.key_root is None


def test_read_splits_zero_may_be_unlabelled(data) -> None:
    # 255 becomes 0.
    data.save(data.weak_label() + 1)
    data.train.reduce_zero_label = True

    report = data.validate()

    assert report.findings == []
    assert report.summaries['train']['labelled'] == pytest.approx(2 / 5)


class FromOne(BaseSegDataset):
    """A user's class whose ids begin with 1."""

    def __init__(self, **options) -> None:
        super().__init__(reduce_zero_label=True, **options)


def test_read_splits_compares_zero_label_of_loader_and_class(data) -> None:
    data.save(data.weak_label() + 1)
    data.train.type = FromOne
    place = place_of(data.train.pipeline, 'LoadWeakAnnotations')
    load = data.train.pipeline[place]
    for fitting in (None, True):
        load.reduce_zero_label = fitting
        assert data.validate().findings == []

    load.reduce_zero_label = False
    assert (
        'LoadWeakAnnotations has reduce_zero_label=False and its data set '
        'True; remove it from LoadWeakAnnotations'
    ) in str(data.validate().findings[0])


def test_read_splits_chosen_classes_are_renumbered(data) -> None:
    metainfo = dict(classes=('building', 'road'))
    for dataloader in (data.cfg.train_dataloader, data.cfg.val_dataloader):
        dataloader.dataset.type = 'CityscapesDataset'
        dataloader.dataset.img_suffix = '.jpg'
        dataloader.dataset.seg_map_suffix = '.png'
        dataloader.dataset.metainfo = metainfo
    place = place_of(data.train.pipeline, 'LoadWeakAnnotations')
    data.train.pipeline[place].num_classes = 2
    data.cfg.model.decode_head.num_classes = 2
    data.cfg.test_dataloader = None
    for name in data.names:
        write_label(data.root / f'weak/{name}.png', data.weak_label())

    report = data.validate()

    assert report.findings == []
    # road is 0 and building 2 in files; the sidewalk, 1, is ignored.
    pixels = report.summaries['train']['pixels']
    assert pixels == dict(building=320, road=320)


def test_read_splits_folder_may_be_a_link(data, tmp_path: Path) -> None:
    (data.root / 'images').rename(tmp_path / 'elsewhere')
    (data.root / 'images').symlink_to(tmp_path / 'elsewhere')

    assert data.validate().findings == []


def test_read_splits_numbers_of_classes_differ(data) -> None:
    data.cfg.model.auxiliary_head = [dict(num_classes=19)]

    report = data.validate()
    assert [f.split for f in report.findings] == ['train', 'val, test']
    for finding in report.findings:
        assert finding.level == 'error'
        assert 'num_classes of auxiliary_head[0]: 19' in finding.problem
        assert 'classes of the data set: 3' in finding.problem


def test_read_splits_loads_labels_that_no_folder_holds(data) -> None:
    del data.cfg.val_dataloader.dataset.data_prefix['seg_map_path']

    finding = data.only('val')
    assert finding.level == 'error'
    assert 'has LoadAnnotations, and the data set names no' in finding.problem

    del data.cfg.val_dataloader.dataset.pipeline[1]
    assert data.validate().number('error') == 0
