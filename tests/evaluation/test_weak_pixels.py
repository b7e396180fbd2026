"""Accuracy on weakly labelled pixels."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample


def sample_of(weak: np.ndarray, predicted: np.ndarray) -> SegDataSample:
    sample = SegDataSample()
    for field, ids in (('gt_sem_seg', weak), ('pred_sem_seg', predicted)):
        data = torch.from_numpy(ids[None].astype(np.int64))
        sample.set_data({field: PixelData(data=data)})
    return sample


def evaluate(*samples: SegDataSample) -> dict[str, float]:
    init_default_scope('mmseg')
    evaluator = Evaluator(dict(type='WeakPixelAccuracy'))
    evaluator.dataset_meta = dict(classes='abc')
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


def test_weak_pixel_accuracy_counts_labelled_pixels_alone() -> None:
    weak = np.full((4, 6), 255)
    weak[0], weak[3, :2] = 0, 1
    predicted = np.zeros((4, 6), int)
    predicted[3, 0] = 1
    # Six pixels of class a are right, and one of two of class b.
    found = evaluate(sample_of(weak, predicted))
    assert found == dict(proxyAcc=87.5, proxyMeanAcc=75.0)


def test_weak_pixel_accuracy_counts_images_together() -> None:
    one = np.array([[0, 255], [255, 255]])
    two = np.array([[0, 0], [0, 255]])
    found = evaluate(
        sample_of(one, np.zeros((2, 2))), sample_of(two, np.ones((2, 2)))
    )
    assert found['proxyAcc'] == found['proxyMeanAcc'] == 25


def test_weak_pixel_accuracy_of_nothing_is_unknown() -> None:
    empty = np.full((2, 2), 255)
    found = evaluate(sample_of(empty, np.zeros((2, 2))))
    assert np.isnan([*found.values()]).all()


def test_weak_pixel_accuracy_of_many_classes_keeps_few_numbers() -> None:
    """A matrix of 150 classes for each image took 3.7 GB for ADE20K."""
    init_default_scope('mmseg')
    evaluator = Evaluator(dict(type='WeakPixelAccuracy'))
    evaluator.dataset_meta = dict(classes=[str(i) for i in range(150)])
    weak = np.array([[0, 149], [7, 255]])
    for _ in range(3):
        evaluator.process([sample_of(weak, np.array([[0, 149], [8, 1]]))])
    (metric,) = evaluator.metrics
    assert sum(counts.nbytes for counts in metric.results) < 1000
    # Two of three pixels, and two of three classes.
    found = evaluator.evaluate(3)
    assert found == dict(proxyAcc=66.67, proxyMeanAcc=66.67)
