"""The metric of the accuracy benchmark."""

from __future__ import annotations

import pytest
import torch

from benchmarks.accuracy.metric import BenchmarkMetric

CLASSES = ('background', 'heart', 'rare')


def evaluate(metric: BenchmarkMetric, *images: tuple[str, list, list]) -> dict:
    """Scores images: name, predicted and dense class ids of a row."""
    metric.dataset_meta = dict(classes=CLASSES)
    for name, predicted, dense in images:
        data = (torch.tensor([[row]]) for row in (predicted, dense))
        prediction, label = (dict(data=one) for one in data)
        sample = dict(img_path=f'{name}.png', pred_sem_seg=prediction)
        metric.process({}, [dict(sample, gt_sem_seg=label)])
    return metric.evaluate(len(images))


def test_benchmark_metric_leaves_rare_classes_out() -> None:
    found = evaluate(
        BenchmarkMetric(min_images=2),
        ('a', [0, 0, 1, 1], [0, 0, 0, 1]),
        ('b', [0, 1, 1, 1], [0, 1, 1, 2]),
    )
    assert found['IoU.background'] == 75
    assert found['IoU.heart'] == 60
    assert found['mIoU'] == pytest.approx(67.5)
    assert found['rare_IoU.rare'] == 0
    assert 'mDice' not in found


def test_benchmark_metric_ignores_void() -> None:
    found = evaluate(BenchmarkMetric(1), ('a', [0, 1, 2], [0, 1, 255]))
    assert found['mIoU'] == 100
    # Neither labelled nor predicted.
    assert 'rare_IoU.rare' not in found


def test_benchmark_metric_takes_dice_of_volumes() -> None:
    """Slices of a volume are joined, and volumes averaged."""
    found = evaluate(
        BenchmarkMetric(1, volume=r'p\d'),
        ('p1_0', [0, 0, 1, 1], [0, 0, 0, 1]),
        ('p1_1', [0, 0, 1, 1], [0, 0, 1, 1]),
        ('p2_0', [0, 2, 2, 2], [0, 0, 0, 2]),
    )
    first, second = 2 * 3 / (4 + 3), 2 * 1 / (3 + 1)
    assert found['mDice'] == pytest.approx(50 * (first + second), abs=0.01)


def test_benchmark_metric_needs_a_class_on_enough_images() -> None:
    with pytest.raises(ValueError, match='on 10 of the 1 validation images'):
        evaluate(BenchmarkMetric(), ('a', [0, 1], [0, 1]))
