"""The generator with a small segmenter, as a user would write one."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mmseg.registry import TASK_UTILS
from skimage.measure import label as label_regions

from mmseg_sesam.core.components import find_components
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.segmenters import BaseSegmenter, MaskCandidates

PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)


@TASK_UTILS.register_module()
class FlatColourSegmenter(BaseSegmenter):
    """Segments an image into connected regions of one colour.

    It answers a prompt with two masks: all regions that its positive points
    lie in, and the region of the first point alone. Regions with a negative
    point are left out.
    """

    def __init__(self, score=0.9):
        self.score = score

    @property
    def fingerprint(self):
        return dict(type='FlatColourSegmenter', score=self.score)

    def encode(self, images):
        return [self._find_regions(image.astype(int)) for image in images]

    def _find_regions(self, image):
        colours = image @ [1, 256, 256**2]
        return label_regions(colours, background=-1, connectivity=1)

    def decode(self, embedding, prompts):
        masks = [self._answer(embedding, *prompt) for prompt in prompts]
        scores = np.full((len(prompts), 2), self.score)
        return MaskCandidates(np.array(masks), scores)

    def _answer(self, regions, points, labels):
        x, y = points.astype(int).T
        touched = regions[y, x]
        wanted = touched[labels == 1]
        unwanted = touched[labels == 0]
        together = np.isin(regions, wanted) & ~np.isin(regions, unwanted)
        return together, together & (regions == wanted[0])


@TASK_UTILS.register_module()
class GuessingSegmenter(BaseSegmenter):
    """Its masks have little to do with the image or the prompts."""

    fingerprint = dict(type='GuessingSegmenter')

    def encode(self, images):
        return [image.shape[:2] for image in images]

    def decode(self, embedding, prompts):
        rng = np.random.default_rng(len(prompts))
        shape = (len(prompts), 3, *embedding)
        masks = rng.random(shape) < rng.random((*shape[:2], 1, 1))
        return MaskCandidates(
            masks, rng.random(shape[:2]), rng.random(shape[:2])
        )


@dataclass
class Scene:
    """Blocks of one colour each, their classes, and strokes in them."""

    image: np.ndarray
    truth: np.ndarray
    weak: np.ndarray


def make_scene(rows=3, cols=4, size=24):
    block = np.ones((size, size), np.uint8)
    index = np.arange(rows * cols, dtype=np.uint8).reshape(rows, cols)
    image = np.kron(index, block)[:, :, None] * np.array([20, 7, 3], np.uint8)
    truth = np.kron(index % 3, block)
    weak = np.full_like(truth, 255)
    for row in range(rows):
        for col in range(cols):
            top, left = row * size + size // 2, col * size + 4
            stroke = np.s_[top : top + 3, left : left + size - 8]
            weak[stroke] = truth[stroke]
    return Scene(image, truth, weak)


def make_generator(segmenter='FlatColourSegmenter', **options):
    return PseudoLabelGenerator(segmenter=dict(type=segmenter), **options)


@st.composite
def scribbled_images(draw):
    """An image of few colours and a label that knows nothing of it."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=8))
    colours = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 3)))
    label = draw(
        hnp.arrays(
            np.uint8, shape, elements=st.sampled_from([0, 5, 255, 255, 255])
        )
    )
    zoom = np.ones([draw(st.integers(1, 3))] * 2, np.uint8)
    image = np.kron(colours, zoom)[:, :, None] * np.ones(3, np.uint8)
    return image, np.kron(label, zoom)


@st.composite
def generators(draw):
    return make_generator(
        draw(st.sampled_from(['FlatColourSegmenter', 'GuessingSegmenter'])),
        prompter=dict(
            type='SkeletonPrompter',
            spacing=draw(st.sampled_from([2, 40])),
            num_negatives=draw(st.integers(0, 2)),
        ),
        selector=dict(
            type='CoverageMaskSelector',
            max_conflict=draw(st.sampled_from([0, 0.2, 0.6, 1])),
            min_coverage=draw(st.sampled_from([0, 0.3, 0.9])),
            merge=draw(st.sampled_from(['best', 'greedy'])),
        ),
        closing_radius=draw(st.integers(0, 2)),
        min_area=draw(st.sampled_from([0, 4])),
        max_labelled_pixels=draw(st.sampled_from([1, 20, 65536])),
        prompts_per_call=draw(st.sampled_from([1, 7, 256])),
    )


@PROPERTY
@given(scribbled_images(), generators(), st.data())
def test_generator_keeps_weak_pixels(scribbled, generator, data):
    image, label = scribbled
    drawn = data.draw(hnp.arrays(bool, label.shape)) & (label != 255)
    before = label.copy()
    pseudo = generator(image, label, drawn).label
    labelled = label != 255
    np.testing.assert_array_equal(pseudo[labelled], label[labelled])
    np.testing.assert_array_equal(label, before)
    assert pseudo is not label
    assert pseudo.dtype == np.uint8
    assert set(np.unique(pseudo)) <= set(np.unique(label)) | {255}


@PROPERTY
@given(scribbled_images(), generators())
def test_generator_records_masks_within_the_limits(scribbled, generator):
    image, label = scribbled
    pseudo, records = generator(image, label)
    components = find_components(
        label, closing_radius=generator.closing_radius
    )
    assert [r.bbox for r in records] == [c.bbox for c in components]
    assert [r.area for r in records] == [c.area for c in components]
    selector = generator.selector
    for record in records:
        assert record.from_person
        if record.fell_back:
            assert record.mask_area == record.coverage == 0
            continue
        assert 0 < record.mask_area <= label.size
        # Rounded to four digits.
        assert record.coverage >= selector.min_coverage - 1e-4
        assert record.conflict <= selector.max_conflict + 1e-4
    if all(record.fell_back for record in records):
        np.testing.assert_array_equal(pseudo, label)


@PROPERTY
@given(scribbled_images(), generators())
def test_generator_spreads_no_class_that_fell_back(scribbled, generator):
    image, label = scribbled
    pseudo, records = generator(image, label)
    spread = {record.class_id for record in records if not record.fell_back}
    added = pseudo[(label == 255) & (pseudo != 255)]
    assert set(added) <= spread


@pytest.mark.parametrize('prompts_per_call', [1, 5, 256])
@pytest.mark.parametrize('max_labelled_pixels', [100, 65536])
def test_generator_expands_strokes_to_their_regions(
    prompts_per_call, max_labelled_pixels
):
    scene = make_scene()
    generator = make_generator(
        prompts_per_call=prompts_per_call,
        max_labelled_pixels=max_labelled_pixels,
    )
    pseudo, records = generator(scene.image, scene.weak)
    np.testing.assert_array_equal(pseudo, scene.truth)
    assert len(records) == 12
    first = records[0]
    assert (first.class_id, first.bbox) == (0, (12, 4, 15, 20))
    assert (first.area, first.mask_area) == (48, 24 * 24)
    assert (first.coverage, first.conflict) == (1, 0)
    assert first.predicted_iou == pytest.approx(0.9)
    ((x, y, positive),) = first.points
    assert scene.weak[int(y), int(x)] == 0
    assert positive == 1
    assert first.chosen in ([[0, 0]], [[0, 1]])


def test_generator_does_not_depend_on_orientation():
    # The points differ, as thinning has a direction, but not their regions.
    scene = make_scene()
    pseudo = make_generator()(np.rot90(scene.image), np.rot90(scene.weak))
    np.testing.assert_array_equal(pseudo.label, np.rot90(scene.truth))


def test_generator_assembles_regions_of_one_stroke():
    scene = make_scene(rows=1, cols=3, size=40)
    weak = np.full_like(scene.weak, 255)
    weak[20, 2:118] = 4
    options = dict(
        prompter=dict(type='SkeletonPrompter', spacing=30), min_area=0
    )
    label, (record,) = make_generator(**options)(scene.image, weak)
    assert (label == 4).all()
    assert record.coverage == 1
    # Alone none of the three covers half of the stroke.
    lone = dict(type='SkeletonPrompter', strategy='centroid')
    label, (record,) = make_generator(prompter=lone)(scene.image, weak)
    assert record.fell_back
    np.testing.assert_array_equal(label, weak)


def test_generator_falls_back_in_a_region_of_two_classes():
    scene = make_scene(rows=1, cols=2)
    weak = scene.weak.copy()
    weak[2:5, 4:20] = 7
    label, records = make_generator()(scene.image, weak)
    assert [r.fell_back for r in records] == [True, True, False]
    np.testing.assert_array_equal(label[:, :24], weak[:, :24])
    assert (label[:, 24:] == 1).all()


def test_generator_records_negative_points():
    scene = make_scene(rows=1, cols=2)
    options = dict(type='SkeletonPrompter', num_negatives=1)
    _, records = make_generator(prompter=options)(scene.image, scene.weak)
    for record, other in zip(records, (1, 0)):
        (positive, negative) = record.points
        assert (positive[2], negative[2]) == (1, 0)
        assert scene.weak[int(negative[1]), int(negative[0])] == other


class InexactCandidates(MaskCandidates):
    """Whose masks hold other pixels than they claim to."""

    def __init__(self, masks, claimed, scores):
        super().__init__(masks, scores)
        self._claimed = claimed

    def contains(self, rows, cols, prompts):
        return self._claimed[prompts][:, :, rows, cols]


@TASK_UTILS.register_module()
class InexactSegmenter(BaseSegmenter):
    """Answers all prompts with the upper rows of the image.

    As a segmenter of low resolution may, it judges by other rows than it
    draws in the end.
    """

    def __init__(self, claimed, drawn):
        self.claimed = claimed
        self.drawn = drawn

    @property
    def fingerprint(self):
        return dict(claimed=self.claimed, drawn=self.drawn)

    def encode(self, images):
        return [image.shape[:2] for image in images]

    def decode(self, embedding, prompts):
        masks, claimed = (
            np.zeros((len(prompts), len(self.drawn), *embedding), bool)
            for _ in range(2)
        )
        for index, rows in enumerate(self.drawn):
            masks[:, index, :rows] = True
        for index, rows in enumerate(self.claimed):
            claimed[:, index, :rows] = True
        scores = np.linspace(0.9, 0.8, len(self.drawn))
        return InexactCandidates(
            masks, claimed, np.tile(scores, (len(prompts), 1))
        )


def make_two_lines():
    weak = np.full((20, 30), 255, np.uint8)
    weak[5, 5:25] = 0
    weak[15, 5:25] = 1
    return np.zeros((20, 30, 3), np.uint8), weak


@pytest.mark.parametrize('claimed', [(10, 10), (20, 10)])
def test_generator_applies_limits_to_the_exact_masks(claimed):
    image, weak = make_two_lines()
    generator = PseudoLabelGenerator(
        segmenter=dict(
            type='InexactSegmenter', claimed=claimed, drawn=(20, 10)
        )
    )
    label, records = generator(image, weak)
    # The better one would hold both classes.
    assert records[0].chosen == [[0, 1]]
    assert records[0].conflict == 0
    assert records[1].fell_back
    assert (label[:10] == 0).all()
    np.testing.assert_array_equal(label[10:], weak[10:])


def test_generator_skips_a_mask_that_is_exactly_empty():
    image, weak = make_two_lines()
    generator = PseudoLabelGenerator(
        segmenter=dict(type='InexactSegmenter', claimed=(10,), drawn=(0,)),
        selector=dict(type='CoverageMaskSelector', min_coverage=0),
    )
    label, records = generator(image, weak)
    assert all(record.fell_back for record in records)
    np.testing.assert_array_equal(label, weak)


def test_generator_keeps_small_predictions_without_a_prompt():
    scene = make_scene(rows=1, cols=3)
    drawn = scene.weak != 255
    enriched = np.where(np.arange(72) < 48, scene.weak, 255).astype(np.uint8)
    enriched[5:7, 60:62] = 2
    label, records = make_generator(min_area=5)(scene.image, enriched, drawn)
    assert [record.class_id for record in records] == [0, 1]
    expected = np.where(np.arange(72) < 48, scene.truth, enriched)
    np.testing.assert_array_equal(label, expected)
    # Large enough, they are asked for as if they had been drawn.
    label, records = make_generator(min_area=4)(scene.image, enriched, drawn)
    assert [r.from_person for r in records] == [False, True, True]
    np.testing.assert_array_equal(label, scene.truth)


def test_generator_of_an_empty_label():
    scene = make_scene()
    empty = np.full_like(scene.weak, 255)
    label, records = make_generator()(scene.image, empty)
    np.testing.assert_array_equal(label, empty)
    assert label is not empty
    assert records == []


def test_generator_of_one_pixel():
    scene = make_scene(rows=1, cols=2)
    weak = np.full_like(scene.weak, 255)
    weak[0, 0] = 6
    label, _ = make_generator()(scene.image, weak)
    np.testing.assert_array_equal(
        label, np.where(np.arange(48) < 24, 6, 255)[None].repeat(24, axis=0)
    )


def test_generator_of_a_dense_label_returns_it():
    scene = make_scene()
    label, _ = make_generator()(scene.image, scene.truth)
    np.testing.assert_array_equal(label, scene.truth)


def test_generator_with_any_ignore_index():
    scene = make_scene()
    shifted = np.where(scene.weak == 255, 0, scene.weak + 1).astype(np.uint8)
    label, _ = make_generator(ignore_index=0)(scene.image, shifted)
    np.testing.assert_array_equal(label, scene.truth + 1)


def test_generator_rejects_image_and_label_of_two_sizes():
    scene = make_scene()
    with pytest.raises(ValueError, match=r'\(72, 96\) .* \(71, 96\)'):
        make_generator()(scene.image, scene.weak[1:])


@pytest.mark.parametrize(
    'options',
    [
        dict(segmenter=dict(type='FlatColourSegmenter', score=0.8)),
        dict(prompter=dict(type='SkeletonPrompter', spacing=41)),
        dict(selector=dict(type='CoverageMaskSelector', min_gain=0.1)),
        dict(closing_radius=3),
        dict(min_area=65),
        dict(max_labelled_pixels=1000),
    ],
)
def test_fingerprint_depends_on_options_of_masks(options):
    defaults = dict(segmenter=dict(type='FlatColourSegmenter'))
    default = PseudoLabelGenerator(**defaults).fingerprint
    other = PseudoLabelGenerator(**{**defaults, **options}).fingerprint
    assert json.loads(json.dumps(default)) == default != other


def test_fingerprint_does_not_depend_on_the_batch_size():
    assert (
        make_generator(prompts_per_call=3).fingerprint
        == make_generator().fingerprint
    )


def two_marks_on_one_region():
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 20:] = 200
    label = np.full(image.shape[:2], 255, np.uint8)
    label[5, 5] = label[15, 15] = 1
    label[10, 30] = 1
    return image, label


def test_generator_rejects_mask_with_points_of_two_objects():
    image, label = two_marks_on_one_region()
    anyhow, apart = (
        PseudoLabelGenerator(
            dict(type='FlatColourSegmenter'), one_component_per_object=wanted
        )
        for wanted in (False, True)
    )
    pseudo, _ = anyhow(image, label)
    assert (pseudo == 1).all()
    pseudo, records = apart(image, label)
    assert [record.fell_back for record in records] == [True, False, True]
    assert (pseudo[:, 20:] == 1).all()
    assert (pseudo[:, :20] == label[:, :20]).all()


def test_generator_leaves_an_unlabelled_image_unlabelled():
    image, label = two_marks_on_one_region()
    generator = PseudoLabelGenerator(
        dict(type='FlatColourSegmenter'), one_component_per_object=True
    )
    nothing = np.full_like(label, 255)
    pseudo, records = generator(image, nothing)
    assert (pseudo == 255).all() and records == []
    assert not generator.count_expansions(image, nothing).any()


def test_generator_takes_only_weak_pixels_for_objects():
    image, label = two_marks_on_one_region()
    drawn = label != 255
    drawn[15, 15] = False
    generator = PseudoLabelGenerator(
        dict(type='FlatColourSegmenter'),
        min_area=0,
        one_component_per_object=True,
    )
    pseudo, records = generator(image, label, drawn)
    assert not any(record.fell_back for record in records)
    assert (pseudo == 1).all()
