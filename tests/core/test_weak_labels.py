"""Simulated weak labels: right where they label, and reproducible."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.skeleton import longest_path
from mmseg_sesam.core.weak_labels import KINDS, WeakLabelSimulator

PROPERTY = settings(max_examples=50)


@st.composite
def dense_labels(draw):
    """Labels of up to 24 x 24 pixels: classes, and some void."""
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)
    elements = st.sampled_from([0, 1, 1, 7, 7, 255])
    label = draw(hnp.arrays(np.uint8, shape, elements=elements))
    return np.kron(label, np.ones([draw(st.integers(1, 4))] * 2, np.uint8))


OPTIONS = dict(
    coarse=dict(margin=[0, 0.35, 0.79]),
    scribble=dict(stroke_share=[0.1, 1.0], stroke_width=[1, 2, 3, 5]),
    point=dict(
        max_points=[1, 7],
        placement=['centre', 'random'],
        dot_radius=[0, 1, 3],
    ),
    block=dict(block_share=[0.1, 0.5, 1.0]),
    random_points=dict(image_points=[1, 50], dot_radius=[0, 1, 3]),
    grid_points=dict(image_points=[1, 50], dot_radius=[0, 1, 3]),
)
OBJECT_KINDS = ['coarse', 'scribble', 'point', 'block']


@st.composite
def simulators(draw, kinds=KINDS):
    kind = draw(st.sampled_from(kinds))
    options = dict(OPTIONS[kind], seed=range(10))
    if kind in OBJECT_KINDS:
        options['min_area'] = [0, 4, 16]
    drawn = {n: draw(st.sampled_from(v)) for n, v in options.items()}
    return WeakLabelSimulator(kind, **drawn)


def blobs(seed=0, size=160):
    """Four classes in smooth, large regions, and void between some."""
    rng = np.random.default_rng(seed)
    heights = ndimage.gaussian_filter(
        rng.standard_normal((5, size, size)), (0, 12, 12)
    )
    label = heights.argmax(axis=0)
    return np.where(label == 4, 255, label).astype(np.uint8)


@PROPERTY
@given(dense_labels(), simulators())
def test_simulator_labels_are_right(label, simulator):
    before = label.copy()
    weak = simulator(label, image_seed=3)
    marked = weak != 255
    np.testing.assert_array_equal(weak[marked], label[marked])
    np.testing.assert_array_equal(label, before)
    assert weak.dtype == np.uint8
    assert weak.shape == label.shape


@PROPERTY
@given(dense_labels(), simulators(OBJECT_KINDS))
def test_simulator_labels_each_large_object(label, simulator):
    weak = simulator(label, image_seed=3)
    for component in find_components(label):
        marked = (weak[component.pixels] != 255).any()
        assert marked == (component.area >= simulator.min_area)


@pytest.mark.parametrize('kind', OBJECT_KINDS)
def test_simulator_min_area_is_the_smallest_object(kind):
    label = np.full((10, 20), 255, np.uint8)
    label[1:5, 1:5] = 0
    label[1:4, 10:15] = 1
    weak = WeakLabelSimulator(kind, min_area=16)(label, 0)
    assert set(np.unique(weak)) == {0, 255}


@PROPERTY
@given(dense_labels(), simulators(), st.integers(0, 2**32))
def test_simulator_seeds_fix_every_choice(label, simulator, image_seed):
    np.testing.assert_array_equal(
        simulator(label, image_seed), simulator(label, image_seed)
    )


@pytest.mark.parametrize('kind', [k for k in KINDS if k != 'block'])
def test_simulator_uses_both_seeds(kind):
    label = blobs()
    results = [
        WeakLabelSimulator(kind, seed=seed)(label, image_seed).tobytes()
        for seed, image_seed in [(0, 0), (1, 0), (0, 1)]
    ]
    assert len(set(results)) == 3


@pytest.mark.parametrize('seed', range(5))
def test_simulator_coarse_labels_more_than_scribbles_and_points(seed):
    label = blobs(seed)
    coarse, scribble, point = (
        np.count_nonzero(WeakLabelSimulator(kind)(label, seed) != 255)
        for kind in ('coarse', 'scribble', 'point')
    )
    assert np.count_nonzero(label != 255) > coarse > scribble > point > 0


def square(size=61, border=10):
    label = np.full((size + 2 * border,) * 2, 1, np.uint8)
    label[border:-border, border:-border] = 0
    return label


@pytest.mark.parametrize('seed', range(5))
def test_coarse_keeps_away_from_the_edge(seed):
    weak = WeakLabelSimulator('coarse', seed=seed, margin=0.4)(square(), 0)
    rows, cols = np.nonzero(weak == 0)
    # The square is 31 pixels deep; the margin varies by a quarter.
    for least, most in [(rows.min(), rows.max()), (cols.min(), cols.max())]:
        assert 10 + 31 * 0.3 - 1 <= least <= 10 + 31 * 0.5
        assert 70 - 31 * 0.5 <= most <= 70 - 31 * 0.3 + 1


@pytest.mark.parametrize('seed', range(5))
def test_coarse_draws_polygons(seed):
    row, col = np.mgrid[-60:61, -60:61]
    # A wheel with a wavy rim and a hole.
    radius = 50 + 4 * np.sin(8 * np.arctan2(row, col))
    distance = np.hypot(row, col)
    wheel = (distance < radius) & (distance > 10)
    label = np.where(wheel, 0, 255).astype(np.uint8)
    drawn = WeakLabelSimulator('coarse', seed)(label, 0) == 0

    outlines, _ = cv2.findContours(
        drawn.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    assert len(outlines) == 2
    for outline in outlines:
        # Few corners tell the outline to a pixel and a half.
        assert len(cv2.approxPolyDP(outline, 1.5, True)) < 20
    assert 0.25 < drawn.sum() / wheel.sum() < 0.75


@pytest.mark.parametrize('seed', range(5))
def test_point_draws_one_dot_near_the_middle(seed):
    simulator = WeakLabelSimulator('point', seed=seed, dot_radius=2)
    dot = simulator(square(), 0) == 0
    row, col = np.argwhere(dot).mean(axis=0)
    # Deeper than 0.7 of the greatest depth.
    assert max(abs(row - 40), abs(col - 40)) < 0.3 * 31
    # A disk of radius 2.
    assert dot.sum() == 21


def test_point_of_radius_0_is_a_pixel():
    simulator = WeakLabelSimulator('point', dot_radius=0)
    assert (simulator(square(), 0) == 0).sum() == 1


@pytest.mark.parametrize('max_points', [4, 9])
def test_point_draws_more_dots_in_larger_objects(max_points):
    label = np.ones((100, 100), np.uint8)
    label[:50, :50] = 0
    simulator = WeakLabelSimulator(
        'point', max_points=max_points, dot_radius=0
    )
    weak = simulator(label, 0)
    assert (weak == 0).sum() == round(max_points * 0.25**0.5)
    assert (weak == 1).sum() == round(max_points * 0.75**0.5)
    assert (simulator(label[:50, :50], 0) == 0).sum() == max_points


def test_point_draws_dots_apart():
    simulator = WeakLabelSimulator('point', max_points=4, dot_radius=0)
    points = np.argwhere(simulator(np.zeros((80, 80), np.uint8), 0) == 0)
    distances = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    assert distances[~np.eye(4, dtype=bool)].min() > 15


def test_point_random_lies_anywhere():
    points = [
        np.argwhere(
            WeakLabelSimulator(
                'point', seed, placement='random', dot_radius=0
            )(np.zeros((40, 40), np.uint8), 0)
            == 0
        )
        for seed in range(60)
    ]
    quarter = np.concatenate(points) // 20
    assert len(np.unique(quarter, axis=0)) == 4
    edge = np.concatenate(points)
    assert (np.minimum(edge, 39 - edge).min(axis=1) < 6).mean() > 0.3


@pytest.mark.parametrize('share', [0.1, 0.2, 0.5, 1])
def test_block_is_the_innermost_share(share):
    label = blobs()
    weak = WeakLabelSimulator('block', block_share=share)(label, 0)
    for component in find_components(label):
        if component.area < 16:
            continue
        drawn = (weak[component.slices] != 255) & component.mask
        assert drawn.sum() == round(share * component.area)
        depth = ndimage.distance_transform_edt(np.pad(component.mask, 1))
        depth = depth[1:-1, 1:-1]
        rest = depth[component.mask & ~drawn]
        assert depth[drawn].min() >= rest.max(initial=0) - 1e-3


@pytest.mark.parametrize('seed', range(5))
def test_scribble_runs_along_the_middle(seed):
    label = np.full((41, 201), 1, np.uint8)
    label[10:31] = 0
    simulator = WeakLabelSimulator('scribble', seed=seed, stroke_share=0.8)
    rows, cols = np.nonzero(simulator(label, 0) == 0)
    (stroke,) = (
        c for c in find_components(simulator(label, 0)) if c.class_id == 0
    )
    assert stroke.area == len(rows)
    # Between 0.6 and 0.8 of a path some 200 pixels long.
    assert 0.6 * 180 <= np.ptp(cols) <= 0.8 * 201 + 3
    # It wavers by a quarter of the half width of 10 pixels.
    assert abs(np.median(rows) - 20) <= 5
    assert np.ptp(rows) <= 20


def test_scribble_begins_anywhere_on_the_path():
    label = np.zeros((21, 201), np.uint8)
    middles = []
    for seed in range(10):
        simulator = WeakLabelSimulator('scribble', seed, stroke_share=0.2)
        cols = np.nonzero(simulator(label, 0) == 0)[1]
        middles.append(cols.mean())
    # At one end alone they would lie within 20 pixels of each other.
    assert np.ptp(middles) > 100


@pytest.mark.parametrize('radius', [10, 20, 40])
def test_scribble_is_long_in_a_round_object(radius):
    """Its skeleton is a few pixels; an annotator's stroke is not."""
    row, col = np.mgrid[-50:51, -50:51]
    disk = np.hypot(row, col) <= radius
    label = np.where(disk, 0, 255).astype(np.uint8)
    drawn = np.argwhere(WeakLabelSimulator('scribble')(label, 0) == 0)
    extent = np.hypot(*np.ptp(drawn, axis=0))
    assert radius < extent < 2.2 * radius


@pytest.mark.parametrize('seed', range(5))
def test_scribble_is_smooth(seed):
    label = blobs(seed)
    simulator = WeakLabelSimulator('scribble', seed, stroke_width=1)
    weak = simulator(label, 0)
    for component in find_components(weak):
        path = longest_path(component.mask)
        if len(path) < 30:
            continue
        # Over 8 pixels a smooth stroke goes where it went before.
        steps = (path[8:] - path[:-8])[::4].astype(float)
        steps /= np.hypot(*steps.T)[:, None]
        turns = (steps[1:] * steps[:-1]).sum(axis=1)
        assert np.mean(turns > np.cos(np.pi / 4)) > 0.9


@pytest.mark.parametrize('seed', range(5))
def test_scribble_is_in_one_piece(seed):
    label = blobs(seed)
    weak = WeakLabelSimulator('scribble', seed)(label, 0)
    objects = [c for c in find_components(label) if c.area >= 16]
    assert len(find_components(weak)) == len(objects)


def test_scribble_has_its_width():
    label = np.zeros((41, 201), np.uint8)
    for width in (1, 2, 3, 4, 5, 6):
        weak = WeakLabelSimulator('scribble', stroke_width=width)(label, 0)
        across = (weak == 0).sum(axis=0)
        assert np.median(across[across > 0]) == width


def test_simulator_of_void_and_empty_labels():
    label = np.full((7, 9), 255, np.uint8)
    for kind in KINDS:
        assert (WeakLabelSimulator(kind)(label, 0) == 255).all()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(kind='box'), "kind='box'"),
        (dict(kind='coarse', margin=0.8), 'margin=0.8'),
        (dict(kind='coarse', margin=-0.1), 'margin=-0.1'),
        (dict(kind='scribble', stroke_share=0), 'stroke_share=0'),
        (dict(kind='scribble', stroke_share=1.5), 'stroke_share=1.5'),
        (dict(kind='scribble', stroke_width=0), 'stroke_width=0'),
        (dict(kind='point', placement='edge'), "placement='edge'"),
        (dict(kind='point', max_points=0), 'max_points=0'),
        (dict(kind='point', dot_radius=-1), 'dot_radius=-1'),
        (dict(kind='block', block_share=0), 'block_share=0'),
        (dict(kind='block', block_share=1.1), 'block_share=1.1'),
        (dict(kind='point', miss_rate=1), 'miss_rate=1'),
        (dict(kind='grid_points', image_points=0), 'image_points=0'),
        (dict(kind='coarse', miss_rate=0.1), 'no effect'),
        (dict(kind='point', image_points=9), 'no effect'),
        (dict(kind='point', stroke_width=1), 'no effect'),
        (dict(kind='random_points', min_area=4), 'no effect'),
        (dict(kind='grid_points', max_points=4), 'no effect'),
        (dict(kind='scribble', dot_radius=0), 'no effect'),
    ],
)
def test_simulator_rejects_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        WeakLabelSimulator(**options)
