"""The greedy choice of images."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from mmseg_sesam.annotations.cost import Rate
from mmseg_sesam.suggest.budget import affordable_images, rate_of_run
from mmseg_sesam.suggest.choose import choose
from mmseg_sesam.suggest.diversity import distances_to_labelled, scale_points

PROPERTY = settings(max_examples=100)


@st.composite
def images(draw: st.DrawFn) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, scores of few values and points, some of them equal."""
    size = draw(st.integers(1, 12))
    score = st.integers(0, 4).map(lambda value: value / 4)
    row = st.lists(st.integers(-3, 3), min_size=3, max_size=3)
    names = [f'{index:02}' for index in range(size)]
    scores = draw(st.lists(score, min_size=size, max_size=size))
    features = draw(st.lists(row, min_size=size, max_size=size))
    return names, np.array(scores), scale_points(np.array(features))


@PROPERTY
@given(images(), st.integers(0, 15))
def test_choose_returns_different_images_up_to_a_number(
    data: tuple, number: int
) -> None:
    choices = choose(*data, number)
    indices = [choice.index for choice in choices]
    assert len(set(indices)) == len(indices) == min(number, len(data[0]))
    assert all(0 <= choice.distance <= 1 + 1e-9 for choice in choices)


@PROPERTY
@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_affordable_images_never_exceed_the_minutes(
    seconds: float, minutes: float
) -> None:
    rate = Rate(seconds, 'a test')
    if seconds > 60 * minutes * (1 + 1e-6):
        with pytest.raises(ValueError, match='buy no image') as refused:
            affordable_images(rate, minutes)
        least = re.search(r'at least ([\d.]+), or', str(refused.value))[1]
        assert affordable_images(rate, float(least)) > 0
    else:
        count = affordable_images(rate, minutes)
        assert count * seconds <= 60 * minutes * (1 + 1e-5)
        assert (count + 1) * seconds > 60 * minutes * (1 - 1e-5)


@PROPERTY
@given(images(), st.randoms(use_true_random=False))
def test_choose_does_not_depend_on_the_order(data: tuple, random) -> None:
    names, scores, points = data
    order = list(range(len(names)))
    random.shuffle(order)
    first = choose(names, scores, points, len(names))
    second = choose(
        [names[i] for i in order], scores[order], points[order], len(names)
    )
    assert [c.index for c in first] == [order[c.index] for c in second]


@PROPERTY
@given(images())
def test_choose_takes_another_image_before_a_duplicate(data: tuple) -> None:
    names, scores, points = data
    choices = choose(names, scores, points, len(names))
    taken = [points[choice.index].tolist() for choice in choices]
    kinds = {tuple(row) for row in points.tolist()}
    # Each kind of image comes once before any comes twice.
    assert {tuple(row) for row in taken[: len(kinds)]} == kinds


@PROPERTY
@given(images(), st.integers(1, 12))
def test_choose_takes_the_image_that_helps_most(
    data: tuple, number: int
) -> None:
    names, scores, points = data
    choices = [choice.index for choice in choose(*data, number)]
    weights, distances = 0.01 + scores, cdist(points, points)

    def left(chosen: list[int]) -> float:
        nearest = distances[chosen].min(axis=0, initial=1)
        return float(weights @ nearest)

    for step, choice in enumerate(choices):
        before = choices[:step]
        others = set(range(len(names))) - set(before)
        least = min(left([*before, other]) for other in others)
        assert left([*before, choice]) == pytest.approx(least)


def test_choose_orders_equal_images_by_score_and_name() -> None:
    scores = np.array([0.2, 0.9, 0.2, 0.9, 0.2])
    choices = choose('edcba', scores, np.zeros((5, 2)), number=5)
    assert ''.join('edcba'[choice.index] for choice in choices) == 'bdace'


def test_choose_prefers_a_crowd_to_an_outlier_of_a_higher_score() -> None:
    rng = np.random.default_rng(0)
    points = scale_points(np.vstack([rng.normal(size=(20, 4)), np.full(4, 9)]))
    names = [f'{index:02}' for index in range(21)]
    scores = np.array([0.5] * 20 + [0.9])
    (choice,) = choose(names, scores, points, number=1)
    assert choice.index < 20


def test_choose_names_one_frame_of_a_video_first() -> None:
    rng = np.random.default_rng(0)
    video = 9 + 0.01 * rng.normal(size=(10, 4))
    others = rng.normal(size=(5, 4))
    names = [f'{index:02}' for index in range(15)]
    scores = np.array([0.9] * 10 + [0.4] * 5)
    points = scale_points(np.vstack([video, others]))
    choices = choose(names, scores, points, number=5)
    assert sum(choice.index < 10 for choice in choices) == 1

    # Two frames of the video have a label.
    labelled = np.isin(np.arange(15), [3, 7])
    choices = choose(
        *(names, scores, points),
        number=5,
        nearest=distances_to_labelled(points, labelled),
    )
    assert all(choice.index >= 10 for choice in choices)


@PROPERTY
@given(images(), st.data())
def test_distances_to_labelled_count_other_images_alone(
    data: tuple, drawn: st.DataObject
) -> None:
    _, _, points = data
    each = st.lists(st.booleans(), min_size=len(points), max_size=len(points))
    labelled = np.array(drawn.draw(each))
    found = distances_to_labelled(points, labelled)
    for index, point in enumerate(points):
        others = labelled & (np.arange(len(points)) != index)
        distances = np.linalg.norm(points[others] - point, axis=1)
        nearest = min([1.0, *distances])
        assert found[index] == pytest.approx(1 if labelled.all() else nearest)


@pytest.mark.parametrize(
    ('kinds', 'rate'),
    [
        (['none', 'point'], 'voc-point'),
        (['dense'], 'voc-full'),
        (['dense', 'dense', 'coarse', None], 'cityscapes-coarse'),
    ],
)
def test_rate_of_run_is_that_of_most_weak_labels(
    kinds: list, rate: str
) -> None:
    assert rate_of_run(kinds) == rate


def test_rate_of_run_needs_a_kind() -> None:
    with pytest.raises(ValueError, match='give --kind or --seconds'):
        rate_of_run([None, 'none'])
