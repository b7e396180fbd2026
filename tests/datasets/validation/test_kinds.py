"""Data sets of several kinds of labels, and images without a label."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from mmseg_sesam.datasets.validation import check_lists
from mmseg_sesam.io.labels import write_label


def allow(data) -> None:
    data.train.pipeline[1].update(kind='scribble', unlabelled='allow')


def test_validate_datasets_counts_images_without_a_label(data) -> None:
    (data.root / 'weak/a.png').unlink()
    report = data.validate()
    (error,) = [f for f in report.findings if f.level == 'error']
    assert error.problem == 'labels are missing'
    assert "unlabelled='allow' of LoadWeakAnnotations" in error.remedy

    allow(data)
    report = data.validate()
    assert report.findings == []
    summary = report.summaries['train']
    assert summary['kind'] == 'scribble'
    assert (summary['images'], summary['labels']) == (4, 3)
    assert ' scribble ' in str(report)
    check_lists(data.cfg)


def test_validate_datasets_rejects_a_folder_without_any_label(
    data,
) -> None:
    allow(data)
    for path in (data.root / 'weak').rglob('*.png'):
        path.unlink()
    with pytest.raises(ValueError, match="missing .*set kind='none' of Load"):
        check_lists(data.cfg)
    data.train.pipeline[1].kind = 'none'
    check_lists(data.cfg)
    summary = data.validate().summaries['train']
    assert (summary['kind'], summary['labels']) == ('none', 0)


def test_validate_datasets_knows_dense_labels(data) -> None:
    data.train.data_prefix.seg_map_path = 'dense'
    (finding,) = data.validate().findings
    assert 'never appears' in finding.problem
    assert "set kind='dense'" in finding.remedy
    data.train.pipeline[1].kind = 'dense'
    assert data.validate().findings == []

    mostly_void = np.full(data.shape, 255, np.uint8)
    mostly_void[:, :9] = data.dense_label()[:, ::10].repeat(3, axis=1)
    for name in data.names:
        write_label(data.root / f'dense/{name}.png', mostly_void)
    problems = [f.problem for f in data.validate().findings]
    assert any('70% of the pixels of dense labels' in p for p in problems)


def test_validate_datasets_rejects_an_image_with_two_labels(
    data,
) -> None:
    dense = copy.deepcopy(data.train)
    dense.data_prefix.seg_map_path = 'dense'
    dense.pipeline[1].kind = 'dense'
    data.train.pipeline[1].kind = 'scribble'
    data.train.indices = [0, 1]
    dense.indices = [1, 2]
    data.cfg.train_dataloader.dataset = dict(
        type='ConcatDataset', datasets=[data.train, dense]
    )
    errors = [f for f in data.validate().findings if f.level == 'error']
    (error,) = [f for f in errors if 'another label' in f.problem]
    assert [path.rpartition('/')[2] for path in error.files] == ['b.jpg']


def test_validate_datasets_looks_for_classes_in_joined_data_sets(
    data,
) -> None:
    dense = copy.deepcopy(data.train)
    dense.data_prefix.seg_map_path = 'dense'
    dense.pipeline[1].kind = 'dense'
    data.train.indices, dense.indices = [0, 1, 2], [3]
    joined = dict(type='ConcatDataset', datasets=[dense, data.train])
    data.cfg.train_dataloader.dataset = joined
    one_class = np.zeros(data.shape, np.uint8)
    write_label(data.root / 'dense/town/d.png', one_class)
    data.cfg.val_dataloader = data.cfg.test_dataloader = None
    assert data.validate().findings == []

    for name in data.names[:3]:
        write_label(data.root / f'weak/{name}.png', one_class + 255)
    problems = [f.problem for f in data.validate().findings]
    assert any('these classes never appear: 1 house' in p for p in problems)
