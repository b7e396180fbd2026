"""The appearance model on images whose colours tell their classes, or not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.appearance import (
    CELLS_PER_CLASS,
    CELLS_PER_IMAGE,
    AppearanceModel,
    collect_samples,
    measure_cells,
)

PROPERTY = settings(max_examples=20)
SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
DARK, BRIGHT = 2, 5


def halves(seed=0, size=16, classes=(DARK, BRIGHT)):
    """Returns an image of a dark and a bright half, and a label of points."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.arange(size) >= size // 2, (size, 1))
    image = 40 + 160 * truth[..., None] + rng.integers(0, 40, (size, size, 3))
    label = np.full((size, size), 255, np.uint8)
    for half, class_id in enumerate(classes):
        rows = rng.integers(0, size, 3)
        cols = rng.integers(0, size // 2, 3) + half * (size // 2)
        label[rows, cols] = class_id
    return image.astype(np.uint8), label


def fit(scenes):
    return AppearanceModel.fit([collect_samples(*scene) for scene in scenes])


def probabilities(model, image, label):
    return np.exp(model(image, label).log_probabilities)


def points(first, second, shape=(16, 16)):
    """Returns a label of two points, in the upper corners."""
    label = np.full(shape, 255, np.uint8)
    label[0, 0], label[0, -1] = first, second
    return label


def test_model_tells_classes_of_different_colours():
    model = fit([halves(seed) for seed in range(8)])
    # Mirrored, so that the place does not tell the class.
    image, label = (array[:, ::-1].copy() for array in halves(100))
    evidence = model(image, label)
    inside = np.stack([evidence.cols >= 8, evidence.cols < 8])
    dark, bright = evidence.log_odds(inside, DARK, np.array([DARK, BRIGHT]))
    assert dark > 1 and bright < -1


def test_model_learns_from_the_labels_of_the_image():
    # The set knows neither class.
    model = fit([halves(seed, classes=(0, 1)) for seed in range(8)])
    image, label = halves(100, classes=(DARK, 200))
    evidence = model(image, label)
    assert evidence.log_probabilities.shape[1] == 201
    inside = np.stack([evidence.cols < 8, evidence.cols >= 8])
    dark, bright = evidence.log_odds(inside, DARK, np.array([DARK, 200]))
    assert dark > 0.1 and bright < -0.1


@pytest.mark.parametrize('classes', [(DARK, 9), (9, BRIGHT)])
def test_model_says_nothing_against_a_class_that_the_set_lacks(classes):
    model = fit([halves(seed) for seed in range(8)])
    evidence = model(*halves(100, classes=classes))
    inside = np.stack([evidence.cols < 8, evidence.cols >= 8])
    dark, bright = evidence.log_odds(inside, classes[0], np.array(classes))
    assert dark > 3 and bright < -3


def noise(rng):
    """Returns an image and a label of two classes that have its colours."""
    image = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    label = np.full((16, 16), 255, np.uint8)
    label.ravel()[rng.permutation(256)[:20]] = rng.permutation(20) % 2
    return image, label


@pytest.mark.parametrize('number', [2, 3, 4, 5, 8, 11])
def test_model_knows_little_where_colours_say_nothing(number):
    rng = np.random.default_rng(0)
    model = fit([noise(rng) for _ in range(number)])
    image = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    found = probabilities(model, image, points(0, 1))
    assert abs(found.mean(axis=0) - 0.5).max() < 0.2
    # A set that held nothing out would be certain.
    assert model.temperature > 0.2


@pytest.mark.parametrize('ids', [(1, 2), (0, 15)])
def test_model_is_as_certain_with_class_ids_that_no_image_shows(ids):
    rng = np.random.default_rng(0)
    scenes = [noise(rng) for _ in range(8)]
    renamed = [
        (image, np.append(ids, 255)[label.clip(max=2)].astype(np.uint8))
        for image, label in scenes
    ]
    assert fit(renamed).temperature == fit(scenes).temperature


def test_model_learns_no_certainty_from_images_listed_in_a_row():
    rng = np.random.default_rng(0)
    scenes = [noise(rng) for _ in range(8)]
    pairs = [scene for scene in scenes for _ in range(2)]
    assert fit(pairs).temperature == fit(scenes).temperature


def test_model_gives_rare_classes_the_weight_of_frequent_ones():
    scenes = [halves(seed) for seed in range(8)]
    for _, label in scenes:
        label[:, 8:][label[:, 8:] == 255] = BRIGHT
    evidence = fit(scenes)(*scenes[0])
    found = evidence.log_probabilities.argmax(axis=1)
    assert (found[evidence.cols < 8] == DARK).mean() > 0.9
    assert (found[evidence.cols >= 8] == BRIGHT).mean() > 0.9


def test_model_gives_classes_that_the_image_lacks_the_least_probability():
    model = fit([halves(seed, classes=(0, 200)) for seed in range(4)])
    image = halves()[0]
    logs = model(image, points(0, 5)).log_probabilities
    assert logs.shape[1] == 6
    np.testing.assert_allclose(logs[:, 1:5], np.log(0.01), rtol=1e-5)
    # Class 200 is unknown in this image.
    inside = np.ones((1, len(logs)), bool)
    evidence = model(image, points(0, 5))
    assert evidence.log_odds(inside, 200, np.array([0, 200]))[0] == 0


def test_model_of_an_image_without_labels_knows_nothing():
    model = fit([halves(seed) for seed in range(2)])
    image, label = halves()
    assert not model(image, np.full_like(label, 255)).known


def test_model_is_the_same_each_time():
    scenes = [halves(seed) for seed in range(5)]
    first, second = fit(scenes), fit(scenes)
    assert first.temperature == second.temperature
    np.testing.assert_array_equal(first.weights, second.weights)
    np.testing.assert_array_equal(
        first(*halves(9)).log_probabilities,
        second(*halves(9)).log_probabilities,
    )


@pytest.mark.parametrize(
    'scenes',
    [
        [],
        [halves()],
        [halves(classes=(3, 3)), halves(1, classes=(3, 3))],
        [halves(), (halves()[0], np.full((16, 16), 255, np.uint8))],
    ],
    ids=['no image', 'one image', 'one class', 'one labelled image'],
)
def test_fit_of_too_few_labels_returns_none(scenes):
    assert fit(scenes) is None


def test_fit_of_one_class_for_each_image():
    scenes = [halves(seed, classes=(seed % 2,) * 2) for seed in range(4)]
    found = probabilities(fit(scenes), scenes[0][0], points(0, 1))
    assert np.isfinite(found).all()


def test_model_of_an_image_of_one_class_compares_it_with_the_set():
    model = fit([halves(seed) for seed in range(2)])
    found = probabilities(model, halves()[0], points(BRIGHT, BRIGHT))
    assert found[:, BRIGHT].max() > 0.7
    assert found[:, BRIGHT].min() < 0.5


@PROPERTY
@given(SHAPES, st.integers(0, 2**32))
def test_model_gives_probabilities_on_any_size(shape, seed):
    rng = np.random.default_rng(seed)
    model = fit([halves(place) for place in range(2)])
    image = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    evidence = model(image, points(DARK, BRIGHT, shape))
    found = np.exp(evidence.log_probabilities)
    assert len(evidence.rows) == len(evidence.cols) == len(found)
    # 0.01 is added to each of the classes up to the last.
    np.testing.assert_allclose(
        found.sum(axis=1), 1 + 0.01 * found.shape[1], atol=1e-4
    )
    assert (found >= 0.0099).all()


@pytest.mark.parametrize('shape', [(1, 1), (1, 17), (30, 1), (1, 20000)])
def test_model_of_thin_images(shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    label = rng.integers(0, 2, shape).astype(np.uint8)
    model = fit([(image, label), halves(classes=(0, 1))])
    assert np.isfinite(model(image, label).log_probabilities).all()


@PROPERTY
@given(
    hnp.arrays(
        np.uint8,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=30),
        elements=st.sampled_from([0, 7, 200, 255]),
    ),
)
def test_collect_samples_takes_labelled_cells(label):
    image = np.tile(label[..., None], 3)
    samples = collect_samples(image, label)
    labelled = label[label != 255]
    assert len(samples.measures) == len(samples.classes)
    ids, areas = np.unique(labelled, return_counts=True)
    classes, counts = np.unique(samples.classes, return_counts=True)
    assert classes.tolist() == ids.tolist()
    assert (counts <= areas).all()
    assert (counts >= np.minimum(areas, CELLS_PER_CLASS)).all()
    assert sum(counts) >= min(len(labelled), CELLS_PER_IMAGE // 2)
    assert sum(counts) <= CELLS_PER_IMAGE + CELLS_PER_CLASS * len(ids)
    # A class of more cells has more samples, and a smaller share of them.
    order = areas.argsort(kind='stable')
    assert (np.diff(counts[order]) >= 0).all()
    assert (np.diff(counts[order] / areas[order]) <= 0).all()
    # Colour is the first measure, and it tells the class in this image.
    order = samples.classes.argsort(kind='stable')
    assert (np.diff(samples.measures[order, 0]) >= 0).all()


def test_collect_samples_of_classes_that_share_a_cell():
    label = np.full((600, 800), 255, np.uint8)
    label[300, 400], label[300, 401] = 9, 3
    samples = collect_samples(np.zeros((600, 800, 3), np.uint8), label)
    assert sorted(samples.classes.tolist()) == [3, 9]


def test_collect_samples_of_large_cells():
    label = np.full((600, 800), 255, np.uint8)
    label[10, 10], label[500, 700] = 9, 200
    samples = collect_samples(np.zeros((600, 800, 3), np.uint8), label)
    assert sorted(samples.classes.tolist()) == [9, 200]


def test_collect_samples_takes_cells_from_all_over_the_image():
    label = np.zeros((100, 100), np.uint8)
    samples = collect_samples(np.zeros((100, 100, 3), np.uint8), label)
    place = samples.measures[:, -2:]
    assert len(samples.classes) == CELLS_PER_IMAGE
    assert place.min() < 0.1 and place.max() > 0.9


def test_measure_cells_measures_colour_texture_and_place():
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 255
    image[::2, 15:] = 0
    measures = measure_cells(image)
    assert measures.shape[:2] == (20, 20)
    assert measures.dtype == np.float32 and np.isfinite(measures).all()
    light, place = measures[..., 0], measures[..., -2:]
    assert light[0, 0] == 0 and light[0, 12] == 1
    assert place[10, 5].tolist() == [0.5, 0.25]
    # Where light and dark alternate, the contrast of a window is high.
    contrast = measures[..., [11, 17]]
    assert (contrast[10, 17] > contrast[10, 2]).all()
