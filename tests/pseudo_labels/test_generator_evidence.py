"""How evidence, the prior and the extents of objects decide on masks."""

import numpy as np
import pytest

from mmseg_sesam.core.conflict_prior import ConflictPrior, count_masks
from mmseg_sesam.core.evidence import Evidence

from .segmenters import make_generator

SHAPE = (20, 40)


def make_halves():
    """Two halves of one colour each, a labelled pixel in each."""
    image = np.zeros((*SHAPE, 3), np.uint8)
    image[:, 20:] = 200
    label = np.full(SHAPE, 255, np.uint8)
    label[10, 10], label[10, 30] = 0, 1
    return image, label


def make_evidence(class_of_col, confidence=0.9):
    """Evidence for one class of three in each column of the image."""
    rows, cols, *_ = Evidence.none(SHAPE)
    classes = np.asarray(class_of_col)[cols]
    probabilities = np.full((len(rows), 3), (1 - confidence) / 2)
    probabilities[np.arange(len(rows)), classes] = confidence
    return Evidence.of(SHAPE, probabilities)


def make_pole(width):
    """A bright pole before a dark wall, with a labelled pixel on each."""
    image = np.zeros((*SHAPE, 3), np.uint8)
    image[:, 20 : 20 + width] = 200
    label = np.full(SHAPE, 255, np.uint8)
    label[10, 5], label[10, 20] = 0, 1
    return image, label


def test_generator_rejects_masks_that_evidence_speaks_against():
    image, label = make_halves()
    generator = make_generator(hole_purity=0)
    right = make_evidence([0] * 20 + [1] * 20)
    made = generator(image, label, evidence=right)
    assert (made.label[:, :20] == 0).all() and (made.label[:, 20:] == 1).all()
    # The left half looks like class 1 as well, and class 0 is elsewhere.
    wrong = make_evidence([1] * 38 + [0] * 2)
    made = generator(image, label, evidence=wrong)
    assert [record.fell_back for record in made.records] == [True, False]
    assert made.records[0].verdicts == {'unreliable': 2}
    np.testing.assert_array_equal(made.label[:, :20], label[:, :20])


def test_generator_keeps_masks_of_a_class_that_evidence_does_not_know():
    image, label = make_halves()
    # A teacher that has not learned class 0 takes all of it for class 1.
    unlearned = make_evidence([1] * 40)
    made = make_generator(hole_purity=0)(image, label, evidence=unlearned)
    assert (made.label[:, :20] == 0).all() and (made.label[:, 20:] == 1).all()


def test_generator_ignores_evidence_for_classes_the_label_lacks():
    image, label = make_halves()
    other = make_evidence([2] * 40)
    made = make_generator()(image, label, evidence=other)
    assert not any(record.fell_back for record in made.records)


def test_generator_rejects_masks_of_an_unlikely_expansion():
    image, label = make_halves()
    expansion = np.array([20.0 * 20])
    counts = 1000 * count_masks(
        np.full(len(expansion), 1), expansion, np.ones(1), np.array([True])
    )
    counts += 1000 * count_masks(
        np.full(len(expansion), 0), expansion, np.ones(1), np.array([False])
    )
    prior = ConflictPrior.fit(counts)
    generator = make_generator(hole_purity=0)
    made = generator(image, label, prior=prior)
    assert [record.fell_back for record in made.records] == [False, True]
    assert made.records[1].verdicts == {'unreliable': 2}
    # Evidence that is strong enough outweighs it.
    right = make_evidence([0] * 20 + [1] * 20, confidence=0.98)
    made = generator(image, label, evidence=right, prior=prior)
    assert not any(record.fell_back for record in made.records)


def test_generator_puts_a_small_object_before_a_large_one():
    image, label = make_pole(width=2)
    made = make_generator('BrighterSegmenter')(image, label)
    wall, pole = made.records
    assert (wall.mask_area, pole.mask_area) == (20 * 40, 20 * 2)
    assert wall.conflict == pytest.approx(2 / 40)
    expected = np.zeros(SHAPE, np.uint8)
    expected[:, 20:22] = 1
    np.testing.assert_array_equal(made.label, expected)


def test_generator_rejects_a_mask_with_a_large_object_of_another_class():
    image, label = make_pole(width=8)
    generator = make_generator('BrighterSegmenter', hole_purity=0)
    made = generator(image, label)
    wall, pole = made.records
    assert wall.fell_back and wall.verdicts == {'too much conflict': 1}
    assert pole.mask_area == 20 * 8
    assert np.count_nonzero(made.label == 0) == 1
    selector = dict(type='CoverageMaskSelector', max_conflict=0.2)
    lenient = make_generator('BrighterSegmenter', selector=selector)
    assert not lenient(image, label).records[0].fell_back


@pytest.mark.parametrize('purity', [0, 0.6])
def test_generator_fills_what_no_label_reached(purity):
    image, label = make_halves()
    # A window in the left half, and a third colour at the right edge.
    image[8:12, 2:6] = 90
    image[:, 38:] = 120
    evidence = make_evidence([0] * 20 + [1] * 20)
    generator = make_generator(hole_purity=purity)
    made = generator(image, label, evidence=evidence)
    expected = np.repeat([[0] * 20 + [1] * 20], 20, axis=0)
    if not purity:
        expected[8:12, 2:6] = expected[:, 38:] = 255
    np.testing.assert_array_equal(made.label, expected)


def test_generator_leaves_a_hole_that_evidence_speaks_against():
    image, label = make_halves()
    image[:, 38:] = 120
    evidence = make_evidence([0] * 20 + [1] * 18 + [0] * 2)
    made = make_generator()(image, label, evidence=evidence)
    assert (made.label[:, 38:] == 255).all()
    assert (made.label[:, 20:38] == 1).all()


def test_count_masks_counts_masks_in_conflict():
    image, label = make_pole(width=8)
    generator = make_generator('BrighterSegmenter')
    prepared = generator.prepare(image, label)
    seen, conflicts = generator.count_masks(image, prepared).sum(axis=3)
    # One pixel of the wall expands to 800, and one of the pole to 160.
    assert np.argwhere(seen).tolist() == [[0, 9], [1, 7]]
    assert np.argwhere(conflicts).tolist() == [[0, 9]]
    assert seen.sum() == 2


def test_generator_joins_points_of_one_class_in_one_region():
    image, label = make_halves()
    label[3, 3] = 0
    made = make_generator()(image, label)
    assert not any(record.fell_back for record in made.records)
    assert (made.label[:, :20] == 0).all()
