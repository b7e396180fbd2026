"""The quality of published pseudo-labels, as an evaluator reports it."""

from __future__ import annotations

from pathlib import Path

import mmengine
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_sesam.store.store import LABELS, PseudoLabelStore

TRUTH = np.array([[0, 0, 0, 0, 0], [1, 1, 1, 255, 255]], np.uint8)
LABELS_OF = {
    'x/a': np.array([[0, 0, 0, 1, 255], [1, 255, 0, 0, 255]], np.uint8),
    'y/a': np.array([[0, 0, 0, 0, 0], [255, 255, 255, 1, 1]], np.uint8),
}


@pytest.fixture
def store(tmp_path: Path) -> PseudoLabelStore:
    return PseudoLabelStore(tmp_path / 'store')


@pytest.fixture
def evaluator(store: PseudoLabelStore) -> Evaluator:
    init_default_scope('mmseg')
    evaluator = Evaluator(
        dict(
            type='PseudoLabelQuality',
            pseudo_label_dir=str(store.root),
            data_root='data',
        )
    )
    evaluator.dataset_meta = dict(classes=('sky', 'road'))
    return evaluator


def publish(store: PseudoLabelStore, number: int, labels: dict) -> None:
    store.begin(number, {})
    for key, label in labels.items():
        store.stage(number, key, {LABELS: label}, [])
    store.commit(number, {})


def sample(key: str, truth: np.ndarray = TRUTH) -> SegDataSample:
    # The stock packing makes labels 64-bit.
    data = torch.from_numpy(truth[None].astype(np.int64))
    sample = SegDataSample(metainfo=dict(img_path=f'data/{key}.jpg'))
    sample.set_data(
        dict(
            gt_sem_seg=PixelData(data=data),
            # What the model predicts has no say.
            pred_sem_seg=PixelData(data=1 - data.clamp_max(1)),
        )
    )
    return sample


def test_metric_by_hand(evaluator: Evaluator, store: PseudoLabelStore) -> None:
    publish(store, 0, {key: np.zeros_like(TRUTH) for key in LABELS_OF})
    publish(store, 1, LABELS_OF)

    evaluator.process([sample('x/a')])
    evaluator.process([sample('y/a')])
    metrics = evaluator.evaluate(2)

    # Of 16 pixels 11 are labelled, and 9 of them right.
    assert metrics == {
        'pseudo_label/coverage': 68.75,
        'pseudo_label/precision': pytest.approx(900 / 11, abs=0.005),
        'pseudo_label/recall': 56.25,
        'pseudo_label/iou': pytest.approx(
            (100 * 8 / 11 + 100 * 1 / 7) / 2, abs=0.005
        ),
    }


def test_metric_logs_a_table(
    evaluator: Evaluator,
    store: PseudoLabelStore,
    capsys: pytest.CaptureFixture,
) -> None:
    publish(store, 0, LABELS_OF)
    logger = mmengine.MMLogger.get_instance('test', log_level='INFO')
    assert logger is mmengine.MMLogger.get_current_instance()
    evaluator.process([sample('y/a')])
    evaluator.evaluate(1)

    logged = ''.join(capsys.readouterr())
    assert 'sky' in logged and 'road' in logged and '100.0' in logged


def test_metric_of_many_classes_keeps_few_numbers(
    evaluator: Evaluator, store: PseudoLabelStore
) -> None:
    evaluator.dataset_meta = dict(classes=[str(i) for i in range(150)])
    publish(store, 0, LABELS_OF)
    evaluator.process([sample('x/a')])
    (metric,) = evaluator.metrics
    assert metric.results[0].nbytes < 1000


def test_metric_of_one_row(
    evaluator: Evaluator, store: PseudoLabelStore
) -> None:
    row = np.array([[0, 1, 255]], np.uint8)
    publish(store, 0, dict(a=row))
    evaluator.process([sample('a', row)])

    assert evaluator.evaluate(1)['pseudo_label/iou'] == 100


def test_metric_without_a_published_round(
    evaluator: Evaluator, store: PseudoLabelStore
) -> None:
    with pytest.raises(
        FileNotFoundError,
        match=f'{store.root} holds no published round .*; make one with',
    ):
        evaluator.process([sample('x/a')])


def test_metric_of_an_image_outside_of_the_round(
    evaluator: Evaluator, store: PseudoLabelStore
) -> None:
    publish(store, 0, LABELS_OF)
    with pytest.raises(FileNotFoundError, match='z/a.png is missing'):
        evaluator.process([sample('z/a')])


@pytest.mark.parametrize(
    'label, found',
    [
        (np.full_like(TRUTH, 7), r'holds the class ids \[7\]'),
        (np.zeros((9, 9), np.uint8), r'the label has \(9, 9\)'),
    ],
)
def test_metric_rejects_labels_of_other_sizes(
    evaluator: Evaluator,
    store: PseudoLabelStore,
    label: np.ndarray,
    found: str,
) -> None:
    publish(store, 0, {'x/a': label})
    with pytest.raises(ValueError, match=f'data/x/a.jpg.*{found}'):
        evaluator.process([sample('x/a')])
