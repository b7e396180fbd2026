"""Point prompts: on their component, spread along its skeleton."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.components import deepest_point, find_components
from mmseg_sesam.core.prompts import (
    STRATEGIES,
    SkeletonPrompter,
    spread_evenly,
)

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)


@st.composite
def labels(draw):
    """Labels of up to 24 x 24 pixels, of single pixels or of blocks."""
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
    elements = st.sampled_from([0, 7, 255, 255])
    label = draw(hnp.arrays(np.uint8, shape, elements=elements))
    return np.kron(label, np.ones([draw(st.integers(1, 3))] * 2, np.uint8))


@st.composite
def prompters(draw):
    fewest = draw(st.integers(1, 4))
    return SkeletonPrompter(
        spacing=draw(st.floats(0.5, 20)),
        min_points=fewest,
        max_points=draw(st.integers(fewest, 6)),
        num_negatives=draw(st.integers(0, 3)),
        strategy=draw(st.sampled_from(STRATEGIES)),
        seed=draw(st.integers(0, 9)),
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


def class_at(label, points):
    x, y = points.astype(int).T
    return label[y, x].tolist()


def assert_same(prompts, others):
    assert len(prompts) == len(others)
    for ours, theirs in zip(prompts, others):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            np.testing.assert_array_equal(one.points, other.points)
            np.testing.assert_array_equal(one.labels, other.labels)


@PROPERTY
@given(labels(), prompters(), st.integers(0, 2))
def test_prompter_points_lie_on_their_component(label, prompter, radius):
    components = find_components(label, closing_radius=radius)
    prompts = prompter(components)
    assert len(prompts) == len(components)
    for component, own in zip(components, prompts):
        pixels = set(zip(*component.pixels))
        for points, marks in own:
            assert points.dtype == np.float32
            assert points.shape == (len(marks), 2)
            x, y = points[marks == 1].T
            assert set(zip(y, x)) <= pixels


@PROPERTY
@given(labels(), prompters())
def test_prompter_gives_all_points_first_and_then_each_alone(label, prompter):
    for together, *alone in prompter(find_components(label)):
        inside = together.points[together.labels == 1]
        outside = together.points[together.labels == 0]
        assert 1 <= len(inside) <= prompter.max_points
        assert len(np.unique(inside, axis=0)) == len(inside)
        assert len(alone) == (len(inside) if len(inside) > 1 else 0)
        for point, prompt in zip(inside, alone):
            np.testing.assert_array_equal(
                prompt.points, np.concatenate([point[None], outside])
            )
            assert prompt.labels.tolist() == [1] + [0] * len(outside)


@PROPERTY
@given(labels(), prompters())
def test_prompter_takes_negatives_of_the_nearest_components(label, prompter):
    components = find_components(label)
    deepest = np.array(
        [np.add(deepest_point(c.mask), c.bbox[:2]) for c in components]
    ).reshape(-1, 2)
    classes = np.array([c.class_id for c in components])
    for index, prompts in enumerate(prompter(components)):
        points, marks = prompts[0]
        outside = points[marks == 0]
        others = deepest[classes != classes[index]]
        assert len(outside) == min(prompter.num_negatives, len(others))
        assert 255 not in class_at(label, outside)
        assert classes[index] not in class_at(label, outside)
        offsets = others - deepest[index]
        nearest = np.sort(np.hypot(*offsets.T))[: len(outside)]
        given_offsets = outside[:, ::-1] - deepest[index]
        np.testing.assert_allclose(np.hypot(*given_offsets.T), nearest)


@PROPERTY
@given(labels(), prompters())
def test_prompter_gives_the_same_prompts_each_time(label, prompter):
    components = find_components(label)
    assert_same(prompter(components), prompter(find_components(label)))


@PROPERTY
@given(
    st.integers(20, 200),
    st.floats(1, 60),
    st.integers(1, 3),
    st.integers(0, 5),
)
def test_prompter_adds_points_with_the_skeleton_length(
    length, spacing, fewest, further
):
    prompter = SkeletonPrompter(spacing, fewest, fewest + further)
    counts = [
        len(points_of(prompter, line(size))) for size in (length, 2 * length)
    ]
    expected = [
        np.clip(round((size - 1) / spacing), fewest, fewest + further)
        for size in (length, 2 * length)
    ]
    assert counts == expected
    assert counts[0] <= counts[1]


@pytest.mark.parametrize('count', [1, 2, 5])
@pytest.mark.parametrize('thickness', [1, 5])
def test_prompter_spreads_points_evenly(count, thickness):
    prompter = SkeletonPrompter(min_points=count, max_points=count)
    points = points_of(prompter, line(101, thickness))
    stretch = 100 / count
    middles = (np.arange(count) + 0.5) * stretch
    # Thinning shortens a stroke by about half of its thickness.
    x = np.sort(points[:, 0])
    np.testing.assert_allclose(x, middles, atol=thickness / 2 + 1)
    np.testing.assert_allclose(points[:, 1], 2 + thickness // 2, atol=1)


def test_prompter_spreads_points_over_all_pieces_of_a_stroke():
    label = line(100)
    label[:, 45:55] = 255
    prompter = SkeletonPrompter(min_points=2, max_points=2)
    ((together, *_),) = prompter(find_components(label, closing_radius=5))
    x = np.sort(together.points[:, 0])
    np.testing.assert_allclose(x, [22, 77], atol=1)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_prompter_of_one_pixel(strategy):
    label = np.full((4, 6), 255, np.uint8)
    label[1, 5] = 0
    prompter = SkeletonPrompter(min_points=3, strategy=strategy)
    assert points_of(prompter, label).tolist() == [[5, 1]]


def test_prompter_of_a_disk_takes_its_deepest_point():
    row, col = np.mgrid[:15, :19]
    label = np.where(np.hypot(row - 7, col - 11) < 5, 0, 255)
    points = points_of(SkeletonPrompter(), label.astype(np.uint8))
    np.testing.assert_allclose(points, [[11, 7]], atol=1)


def test_prompter_without_components():
    assert SkeletonPrompter(num_negatives=2)([]) == []


def test_prompter_without_another_class_has_no_negatives():
    label = line(20)
    label[0, 25] = 0
    for prompts in SkeletonPrompter(num_negatives=2)(find_components(label)):
        assert prompts[0].labels.all()


def test_prompter_random_points_depend_on_the_seed_alone():
    components = find_components(line(300, 20))
    first, again, other = (
        SkeletonPrompter(strategy='random', seed=seed)(components)
        for seed in (0, 0, 1)
    )
    assert_same(first, again)
    assert first[0][0].points.tolist() != other[0][0].points.tolist()


def test_prompter_skeleton_points_do_not_depend_on_the_seed():
    components = find_components(line(300, 20))
    assert_same(
        SkeletonPrompter(seed=0)(components),
        SkeletonPrompter(seed=1)(components),
    )


@PROPERTY
@given(labels())
def test_prompter_centroid_is_the_pixel_nearest_to_the_centre(label):
    components = find_components(label)
    prompts = SkeletonPrompter(strategy='centroid')(components)
    for component, own in zip(components, prompts):
        pixels = np.transpose(component.pixels)
        distance = np.hypot(*(pixels - pixels.mean(axis=0)).T)
        ((x, y),) = own[0].points
        found = distance[(pixels == (y, x)).all(axis=1)]
        np.testing.assert_allclose(found, [distance.min()])


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
        (dict(min_points=0), 'min_points=0'),
        (dict(min_points=3, max_points=2), 'max_points=2'),
        (dict(spacing=0), 'spacing=0'),
        (dict(spacing=-1.0), 'spacing=-1.0'),
        (dict(num_negatives=-1), 'num_negatives=-1'),
    ],
)
def test_prompter_rejects_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        SkeletonPrompter(**options)
