"""Point prompts: on their component, spread along its skeleton."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.prompts import (
    STRATEGIES,
    SkeletonPrompter,
    spread_evenly,
)

from .cases import labels

PROPERTY = settings(max_examples=50)


@st.composite
def prompters(draw):
    return SkeletonPrompter(
        spacing=draw(st.floats(0.5, 20)),
        max_points=draw(st.integers(1, 6)),
        strategy=draw(st.sampled_from(STRATEGIES)),
    )


def line(length, thickness=1):
    """A horizontal stroke on the left of a wider label."""
    label = np.full((thickness + 4, length + 9), 255, np.uint8)
    label[2 : 2 + thickness, :length] = 0
    return label


def points_of(prompter, label):
    """(K, 2) points (x, y) of the label's only component."""
    ((together, *_),) = prompter(find_components(label))
    return together.points


def assert_same(prompts, others):
    assert len(prompts) == len(others)
    for ours, theirs in zip(prompts, others):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            np.testing.assert_array_equal(one.points, other.points)


@PROPERTY
@given(labels(empty=True), prompters())
def test_prompter_points_lie_on_their_component(label, prompter):
    components = find_components(label)
    prompts = prompter(components)
    assert len(prompts) == len(components)
    for component, own in zip(components, prompts):
        pixels = set(zip(*component.pixels))
        for (points,) in own:
            assert points.dtype == np.float32
            x, y = points.T
            assert set(zip(y, x)) <= pixels


@PROPERTY
@given(labels(empty=True), prompters())
def test_prompter_gives_all_points_first_and_then_each_alone(label, prompter):
    for together, *alone in prompter(find_components(label)):
        points = together.points
        assert 1 <= len(points) <= prompter.max_points
        assert len(np.unique(points, axis=0)) == len(points)
        assert len(alone) == (len(points) if len(points) > 1 else 0)
        for point, prompt in zip(points, alone):
            np.testing.assert_array_equal(prompt.points, [point])


@PROPERTY
@given(labels(empty=True), prompters())
def test_prompter_gives_the_same_prompts_each_time(label, prompter):
    components = find_components(label)
    assert_same(prompter(components), prompter(find_components(label)))


@PROPERTY
@given(st.integers(20, 200), st.floats(1, 60), st.integers(1, 6))
def test_prompter_adds_points_with_the_skeleton_length(length, spacing, most):
    prompter = SkeletonPrompter(spacing, most)
    counts = [
        len(points_of(prompter, line(size))) for size in (length, 2 * length)
    ]
    expected = [
        np.clip(round((size - 1) / spacing), 1, most)
        for size in (length, 2 * length)
    ]
    assert counts == expected
    assert counts[0] <= counts[1]


@pytest.mark.parametrize('count', [1, 2, 5])
@pytest.mark.parametrize('thickness', [1, 5])
def test_prompter_spreads_points_evenly(count, thickness):
    prompter = SkeletonPrompter(spacing=15, max_points=count)
    points = points_of(prompter, line(101, thickness))
    stretch = 100 / count
    middles = (np.arange(count) + 0.5) * stretch
    # Thinning shortens a stroke by about half of its thickness.
    x = np.sort(points[:, 0])
    np.testing.assert_allclose(x, middles, atol=thickness / 2 + 1)
    np.testing.assert_allclose(points[:, 1], 2 + thickness // 2, atol=1)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_prompter_of_one_pixel(strategy):
    label = np.full((4, 6), 255, np.uint8)
    label[1, 5] = 0
    prompter = SkeletonPrompter(strategy=strategy)
    assert points_of(prompter, label).tolist() == [[5, 1]]


def test_prompter_of_a_disk_takes_its_deepest_point():
    row, col = np.mgrid[:15, :19]
    label = np.where(np.hypot(row - 7, col - 11) < 5, 0, 255)
    points = points_of(SkeletonPrompter(), label.astype(np.uint8))
    np.testing.assert_allclose(points, [[11, 7]], atol=1)


def test_prompter_without_components():
    assert SkeletonPrompter()([]) == []


@PROPERTY
@given(
    hnp.arrays(
        float, st.integers(1, 30), elements=st.sampled_from([0, 1, 2**0.5])
    ),
    st.integers(1, 9),
)
def test_spread_evenly_takes_points_of_the_curve_once(steps, count):
    steps[0] = 0
    coords = np.column_stack([np.arange(len(steps)), np.arange(len(steps))])
    index = spread_evenly(coords, steps, count)[:, 0]
    assert 1 <= len(index) <= count
    assert (np.diff(index) > 0).all()
    # The middle of each stretch is at most one step away.
    position = np.cumsum(steps)
    middles = (np.arange(count) + 0.5) / count * position[-1]
    gaps = np.abs(position[index] - middles[:, None]).min(axis=1)
    assert (gaps <= 2**0.5).all()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(strategy='medial'), "strategy='medial'"),
        (dict(max_points=0), 'max_points=0'),
        (dict(spacing=0), 'spacing=0'),
        (dict(spacing=-1.0), 'spacing=-1.0'),
    ],
)
def test_prompter_rejects_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        SkeletonPrompter(**options)
