"""Coverage, precision, recall and IoU of sparse labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from memory_peak import with_peak

from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    label_quality,
    quality_table,
)

PROPERTY = settings(max_examples=50)
# Five pixels of class 0, three of class 1, two void.
TRUTH = np.array([[0, 0, 0, 0, 0], [1, 1, 1, 255, 255]], np.uint8)
LABEL = np.array([[0, 0, 0, 1, 255], [1, 255, 2, 0, 255]], np.uint8)
COUNTS = [[3, 1, 0, 1], [0, 1, 1, 1], [0, 0, 0, 0]]

IDS = arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 1, 2, 255]))


def test_confusion_matrix_by_hand() -> None:
    counts = confusion_matrix(TRUTH, LABEL, num_classes=3)

    assert counts.dtype == np.int64
    assert counts.tolist() == COUNTS


def test_label_quality_by_hand() -> None:
    quality = label_quality(np.array(COUNTS))

    assert quality['coverage'] == pytest.approx(6 / 8)
    assert quality['precision'] == pytest.approx(4 / 6)
    assert quality['recall'] == pytest.approx(4 / 8)
    # Class 2 does not occur, so that it has no part in the mean.
    assert quality['iou'] == pytest.approx((3 / 5 + 1 / 4) / 2)
    classes = quality['classes']
    nan = pytest.approx(math.nan, nan_ok=True)
    assert classes['coverage'] == [4 / 5, pytest.approx(2 / 3), nan]
    assert classes['precision'] == [1, 1 / 2, 0]
    assert classes['recall'] == [3 / 5, pytest.approx(1 / 3), nan]
    assert classes['iou'] == [3 / 5, 1 / 4, 0]


def test_label_quality_of_an_absent_class() -> None:
    quality = label_quality(np.array([[2, 0, 1], [0, 0, 0]]))

    assert quality['iou'] == pytest.approx(2 / 3)
    for values in quality['classes'].values():
        assert math.isnan(values[1]) and not math.isnan(values[0])


def test_label_quality_of_void() -> None:
    void = np.full((2, 2), 255, np.uint8)
    quality = label_quality(confusion_matrix(void, void, 2))

    for name in ('coverage', 'precision', 'recall', 'iou'):
        assert math.isnan(quality[name])


def test_label_quality_of_unlabelled() -> None:
    truth = np.zeros((2, 2), np.uint8)
    quality = label_quality(
        confusion_matrix(truth, np.full_like(truth, 255), 2)
    )

    assert quality['coverage'] == quality['recall'] == quality['iou'] == 0
    assert math.isnan(quality['precision'])


@PROPERTY
@given(IDS, IDS)
def test_confusion_matrix_equals_a_count_of_pixels(
    truth: np.ndarray, label: np.ndarray
) -> None:
    counts = confusion_matrix(truth, label, 3)
    quality = label_quality(counts)

    counted = truth != 255
    labelled = counted & (label != 255)
    right = labelled & (label == truth)
    assert counts.sum() == counted.sum()
    for name, part, whole in (
        ('coverage', labelled, counted),
        ('precision', right, labelled),
        ('recall', right, counted),
    ):
        if whole.any():
            share = part.sum() / whole.sum()
            assert quality[name] == pytest.approx(share)
        else:
            assert math.isnan(quality[name])
    for index in set(truth[counted].tolist()):
        either = counted & ((truth == index) | (label == index))
        share = (right & (truth == index)).sum() / either.sum()
        assert quality['classes']['iou'][index] == pytest.approx(share)


@PROPERTY
@given(IDS, IDS, IDS)
def test_confusion_matrix_adds_up_over_images(
    truth: np.ndarray, one: np.ndarray, other: np.ndarray
) -> None:
    together = confusion_matrix(
        np.hstack([truth, truth]), np.hstack([one, other]), 3
    )
    apart = [confusion_matrix(truth, label, 3) for label in (one, other)]

    np.testing.assert_array_equal(together, np.sum(apart, axis=0))


def test_confusion_matrix_rejects_other_sizes() -> None:
    with pytest.raises(
        ValueError, match=r'label has \(5, 2\) and the truth \(2, 5\) pixels'
    ):
        confusion_matrix(TRUTH, LABEL.T, 3)


@pytest.mark.parametrize('name', ['label', 'truth'])
def test_confusion_matrix_rejects_ids_out_of_range(name: str) -> None:
    maps = dict(truth=TRUTH, label=LABEL)
    maps[name] = np.where(maps[name] == 1, 9, maps[name]).astype(np.uint8)

    with pytest.raises(
        ValueError, match=rf'the {name} holds .* \[9\], .* below 3, or 255'
    ):
        confusion_matrix(**maps, num_classes=3)


def test_quality_table_has_percentages() -> None:
    table = quality_table(
        label_quality(np.array(COUNTS)), ['sky', 'road', 'car']
    )

    rows = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in str(table).splitlines()
        if line.startswith('|')
    ]
    assert rows == [
        ['class', 'labelled', 'right', 'recall', 'IoU'],
        ['sky', '80.0', '100.0', '60.0', '60.0'],
        ['road', '66.7', '50.0', '33.3', '25.0'],
        ['car', '-', '0.0', '-', '0.0'],
        ['all', '75.0', '66.7', '50.0', '42.5'],
    ]


def test_confusion_matrix_counts_in_bands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    values = np.array([0, 1, 2, 255], np.uint8)
    truth, label = rng.choice(values, (2, 256, 256))
    whole = confusion_matrix(truth, label, 3)
    monkeypatch.setattr('mmseg_sesam.core.bands.BAND_PIXELS', 2**12)

    counts, peak = with_peak(lambda: confusion_matrix(truth, label, 3))

    np.testing.assert_array_equal(counts, whole)
    assert peak / truth.size < 6
