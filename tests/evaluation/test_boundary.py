"""Agreement of outlines with the dense label."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_peak import with_peak
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_sesam.evaluation.boundary import boundary_iou, count_boundaries


def blobs(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """A label of some large regions, with void pixels."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice([0, 1, 2, 255], (4, 4)).astype(np.uint8)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_NEAREST)


def count_by_masks(
    truth: np.ndarray, label: np.ndarray, pixels: int
) -> np.ndarray:
    """The definition: each mask, minus the mask eroded pixel by pixel."""
    counts = []
    filled = np.where(truth == 255, label, truth)
    for class_id in range(3):
        bands = []
        for ids in (filled, label):
            mask = (ids == class_id).astype(np.uint8)
            padded = np.pad(mask, 1)
            cross = np.ones((3, 3), np.uint8)
            inner = cv2.erode(padded, cross, iterations=pixels)[1:-1, 1:-1]
            bands.append((mask > 0) & (inner == 0) & (truth != 255))
        both, either = bands[0] & bands[1], bands[0] | bands[1]
        counts.append([both.sum(), either.sum(), (truth == class_id).sum()])
    return np.array(counts)


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(5, 60), st.integers(5, 60))
def test_count_boundaries_follows_the_definition(
    seed: int, height: int, width: int
) -> None:
    truth = blobs(seed, (height, width))
    label = np.roll(blobs(seed + 1, (height, width)), 1, axis=1)
    share = 2.2 / np.hypot(height, width)
    np.testing.assert_array_equal(
        count_boundaries(truth, label, 3, width=share),
        count_by_masks(truth, label, pixels=2),
    )


def test_count_boundaries_of_equal_labels() -> None:
    truth = blobs(0, (50, 70))
    iou = boundary_iou(count_boundaries(truth, truth, 4))
    assert iou['classes'][:3] == [1, 1, 1]
    assert np.isnan(iou['classes'][3])
    assert iou['iou'] == 1


def test_count_boundaries_of_a_right_label_beside_void() -> None:
    label = np.zeros((60, 60), np.uint8)
    label[20:40, 20:40] = 1
    truth = label.copy()
    truth[17:43, 17:43] = 255
    truth[20:40, 20:40] = 1
    assert boundary_iou(count_boundaries(truth, label, 2))['iou'] == 1


def test_count_boundaries_sees_outlines_that_iou_hardly_sees() -> None:
    truth = np.zeros((100, 100), np.uint8)
    truth[10:90, 10:90] = 1
    label = np.zeros_like(truth)
    label[12:88, 12:88] = 1
    iou = 76**2 / 80**2
    found = boundary_iou(count_boundaries(truth, label, 2))['classes'][1]
    assert found < 0.5 < 0.9 < iou


def test_count_boundaries_counts_in_bands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truth, label = (blobs(seed, (256, 256)) for seed in (1, 2))
    whole = count_boundaries(truth, label, 3)
    monkeypatch.setattr('mmseg_sesam.core.bands.BAND_PIXELS', 2**12)

    counts, peak = with_peak(lambda: count_boundaries(truth, label, 3))

    np.testing.assert_array_equal(counts, whole)
    assert peak / truth.size < 8


def test_boundary_iou_metric_counts_images_together() -> None:
    init_default_scope('mmseg')
    evaluator = Evaluator(dict(type='BoundaryIoU', width=0.1))
    evaluator.dataset_meta = dict(classes='abc')
    counts = 0
    for seed, shape in ((1, (40, 50)), (2, (1, 50)), (3, (40, 1))):
        truth, label = blobs(seed, shape), blobs(seed + 5, shape) % 3
        counts = counts + count_boundaries(truth, label, 3, width=0.1)
        sample = SegDataSample()
        for field, ids in (('gt_sem_seg', truth), ('pred_sem_seg', label)):
            data = torch.from_numpy(ids[None].astype(np.int64))
            sample.set_data({field: PixelData(data=data)})
        evaluator.process([sample])
    expected = 100 * boundary_iou(counts)['iou']
    metrics = evaluator.evaluate(3)
    assert metrics['mBoundaryIoU'] == pytest.approx(expected, abs=0.01)
