"""Scores of images."""

from __future__ import annotations

import numpy as np

from mmseg_sesam.suggest.reasons import reason_of
from mmseg_sesam.suggest.regions import doubtful_regions, fallback_regions
from mmseg_sesam.suggest.score import MEASURES, ImageLook, score_images

CLASSES = ['road', 'pole']
BOTH, ROAD, NONE = (np.array(row, bool) for row in ([1, 1], [1, 0], [0, 0]))
PLAIN = ImageLook(np.zeros(2), labelled=BOTH, shown=BOTH)


def best_of(*looks: ImageLook, counts: tuple = (3, 3)) -> int:
    totals = score_images(looks, np.array(counts)).totals
    assert np.count_nonzero(totals == totals.max()) == 1
    return int(totals.argmax())


def test_score_images_prefers_more_of_each_measure() -> None:
    assert best_of(PLAIN, PLAIN._replace(disagreement=0.1)) == 1
    assert best_of(PLAIN, PLAIN._replace(uncertainty=0.1)) == 1
    some = PLAIN._replace(components=4, fell_back=1)
    assert best_of(PLAIN, some, some._replace(fell_back=2)) == 2


def test_score_images_prefers_classes_with_few_labels() -> None:
    new_pole = PLAIN._replace(labelled=ROAD)
    scores = score_images([PLAIN, new_pole], np.array([4, 1]))
    assert scores.totals[1] > scores.totals[0]
    assert scores.rarest.tolist() == [-1, 1]
    assert scores.values[1, MEASURES.index('rarity')] == 0.75


def test_score_images_puts_uncertain_unlabelled_images_first() -> None:
    labelled = PLAIN._replace(uncertainty=0.2)
    unlabelled = PLAIN._replace(labelled=NONE, shown=NONE, uncertainty=0.2)
    assert best_of(PLAIN, labelled, unlabelled) == 2
    certain = unlabelled._replace(uncertainty=0.0)
    assert best_of(PLAIN, labelled, certain) == 1


def test_score_images_of_one_image_has_no_rank() -> None:
    assert score_images([PLAIN], np.array([1, 1])).totals.tolist() == [0]


def test_reason_names_what_stands_out() -> None:
    odd = PLAIN._replace(
        labelled=ROAD, disagreement=0.25, components=4, fell_back=3
    )
    looks = [PLAIN, PLAIN, odd]
    scores = score_images(looks, np.array([3, 1]))
    givers = ['student', 'teacher', 'pseudo-label']
    reason = reason_of(2, odd, scores, CLASSES, givers)
    assert 'student, teacher and pseudo-label differ in 25%' in reason
    assert '3 of 4 components have no mask' in reason
    assert 'shows pole, which is labelled in 1 image' in reason
    assert 'uncertain' not in reason
    assert 'are like it' in reason_of(0, PLAIN, scores, CLASSES, givers)


def test_doubtful_regions_leave_out_thin_edges() -> None:
    doubt = np.zeros((100, 120))
    doubt[10:30, 40:80] = 1
    doubt[60:70, 5:15] = 1
    # At the edge of the image.
    doubt[80:, 20:50] = 1
    doubt[:, 100] = 1
    ours = np.zeros(doubt.shape, np.uint8)
    other = np.where(doubt > 0, 1, 0).astype(np.uint8)
    regions = doubtful_regions(
        doubt, {'student': ours, 'teacher': other}, CLASSES
    )
    assert [region.box for region in regions] == [
        *((40, 10, 80, 30), (20, 80, 50, 100), (5, 60, 15, 70))
    ]
    assert regions[0].reason == 'student: road, teacher: pole'


def test_doubtful_regions_name_answers_that_differ() -> None:
    doubt = np.zeros((40, 60))
    doubt[:20, :20] = doubt[:20, 30:50] = 1
    student = np.zeros(doubt.shape, np.uint8)
    teacher = student.copy()
    # A minority of the first region; the maps agree in the second.
    teacher[:8, :20] = 1
    pseudo = np.full_like(student, 255)

    regions = doubtful_regions(
        doubt, dict(student=student, teacher=teacher, pseudo=pseudo), CLASSES
    )

    assert [region.reason for region in regions] == [
        'student: road, teacher: pole',
        'predictions of road are uncertain',
    ]


def test_fallback_regions_are_the_largest_components() -> None:
    records = [
        dict(class_id=i % 2, area=i, bbox=[i, 2, i + 5, 9]) for i in range(5)
    ]
    regions = fallback_regions(records, CLASSES)
    assert [r.box[1] for r in regions] == [4, 3, 2]
    assert regions[0].box == (2, 4, 9, 9)
    assert regions[1].reason == 'no mask was found for pole'
