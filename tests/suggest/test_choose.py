"""The greedy choice of images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.annotations.cost import Rate
from mmseg_sesam.suggest.budget import affordable_images, rate_of_run
from mmseg_sesam.suggest.choose import choose

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True)


@st.composite
def images(draw: st.DrawFn) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, scores of few values and features, some of them equal."""
    size = draw(st.integers(1, 12))
    score = st.integers(0, 4).map(lambda value: value / 4)
    row = st.lists(st.integers(-3, 3), min_size=3, max_size=3)
    names = [f'{index:02}' for index in range(size)]
    scores = draw(st.lists(score, min_size=size, max_size=size))
    features = draw(st.lists(row, min_size=size, max_size=size))
    return names, np.array(scores), np.array(features, np.float32)


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
        with pytest.raises(ValueError, match='buy no image'):
            affordable_images(rate, minutes)
    else:
        count = affordable_images(rate, minutes)
        assert count * seconds <= 60 * minutes * (1 + 1e-5)
        assert (count + 1) * seconds > 60 * minutes * (1 - 1e-5)


@PROPERTY
@given(images(), st.randoms(use_true_random=False))
def test_choose_does_not_depend_on_the_order(data: tuple, random) -> None:
    names, scores, features = data
    order = list(range(len(names)))
    random.shuffle(order)
    first = choose(names, scores, features, len(names))
    second = choose(
        [names[i] for i in order], scores[order], features[order], len(names)
    )
    assert [c.index for c in first] == [order[c.index] for c in second]


@PROPERTY
@given(images(), st.floats(0.1, 4))
def test_choose_takes_another_image_before_a_duplicate(
    data: tuple, diversity: float
) -> None:
    names, scores, features = data
    choices = choose(names, scores, features, len(names), diversity)
    taken = [features[choice.index].tolist() for choice in choices]
    kinds = {tuple(row) for row in features.tolist()}
    # Each kind of image comes once before any comes twice.
    assert {tuple(row) for row in taken[: len(kinds)]} == kinds


@PROPERTY
@given(images())
def test_choose_without_diversity_goes_by_score(data: tuple) -> None:
    choices = choose(*data, len(data[0]), diversity=0)
    found = [data[1][choice.index] for choice in choices]
    assert found == sorted(found, reverse=True)


def test_choose_names_one_frame_of_a_video_first() -> None:
    rng = np.random.default_rng(0)
    video = 9 + 0.01 * rng.normal(size=(10, 4))
    others = rng.normal(size=(5, 4))
    names = [f'{index:02}' for index in range(15)]
    scores = np.array([0.9] * 10 + [0.4] * 5)
    choices = choose(names, scores, np.vstack([video, others]), number=5)
    assert sum(choice.index < 10 for choice in choices) == 1


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
