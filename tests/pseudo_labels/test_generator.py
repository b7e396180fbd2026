"""The generator with small segmenters, on images of a few blocks."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator

from .segmenters import make_generator


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
    ((x, y),) = first.points
    assert scene.weak[int(y), int(x)] == 0
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
    # One point reaches one region: the stroke is covered in part.
    lone = dict(type='SkeletonPrompter', max_points=1)
    label, (record,) = make_generator(prompter=lone, hole_purity=0)(
        scene.image, weak
    )
    assert record.coverage == pytest.approx(40 / 116, abs=1e-4)
    assert (label[:, 40:80] == 4).all()
    np.testing.assert_array_equal(label[:, :40], weak[:, :40])
    np.testing.assert_array_equal(label[:, 80:], weak[:, 80:])


def test_generator_falls_back_in_a_region_of_two_classes():
    scene = make_scene(rows=1, cols=2)
    weak = scene.weak.copy()
    weak[2:5, 4:20] = 7
    label, records = make_generator()(scene.image, weak)
    assert [r.fell_back for r in records] == [True, True, False]
    np.testing.assert_array_equal(label[:, :24], weak[:, :24])
    assert (label[:, 24:] == 1).all()


def make_two_lines():
    weak = np.full((20, 30), 255, np.uint8)
    weak[5, 5:25] = 0
    weak[15, 5:25] = 1
    return np.zeros((20, 30, 3), np.uint8), weak


def make_inexact(claimed, drawn):
    segmenter = dict(type='InexactSegmenter', claimed=claimed, drawn=drawn)
    return PseudoLabelGenerator(segmenter, hole_purity=0)


def test_generator_selects_by_the_pixels_looked_up():
    image, weak = make_two_lines()
    generator = make_inexact(claimed=(20, 10), drawn=(20, 10))
    label, records = generator(image, weak)
    # The larger mask would hold both classes.
    assert records[0].chosen == [[0, 1]]
    assert records[0].conflict == 0
    assert records[0].verdicts['too much conflict'] == 1
    assert records[1].fell_back
    assert (label[:10] == 0).all()
    np.testing.assert_array_equal(label[10:], weak[10:])


def test_generator_records_the_mask_that_is_drawn():
    image, weak = make_two_lines()
    generator = make_inexact(claimed=(10,), drawn=(5,))
    label, records = generator(image, weak)
    assert records[0].chosen == [[0, 0]]
    assert (records[0].mask_area, records[0].coverage) == (5 * 30, 0)
    assert (label[:5] == 0).all()
    np.testing.assert_array_equal(label[5:], weak[5:])


def test_generator_falls_back_where_the_mask_drawn_is_empty():
    image, weak = make_two_lines()
    label, records = make_inexact(claimed=(10,), drawn=(0,))(image, weak)
    assert all(record.fell_back for record in records)
    np.testing.assert_array_equal(label, weak)


def test_generator_keeps_small_predictions_without_a_prompt():
    scene = make_scene(rows=1, cols=3)
    drawn = scene.weak != 255
    enriched = np.where(np.arange(72) < 48, scene.weak, 255).astype(np.uint8)
    enriched[5:7, 60:62] = 2
    options = dict(hole_purity=0)
    small = make_generator(min_area=5, **options)
    label, records = small(scene.image, enriched, drawn)
    assert [record.class_id for record in records] == [0, 1]
    expected = np.where(np.arange(72) < 48, scene.truth, enriched)
    np.testing.assert_array_equal(label, expected)
    # Large enough predictions get prompts, as weak pixels do.
    large = make_generator(min_area=4, **options)
    label, records = large(scene.image, enriched, drawn)
    assert [r.from_person for r in records] == [False, True, True]
    np.testing.assert_array_equal(label, scene.truth)


def test_generator_of_an_empty_label():
    scene = make_scene()
    empty = np.full_like(scene.weak, 255)
    label, records = make_generator()(scene.image, empty)
    np.testing.assert_array_equal(label, empty)
    assert label is not empty
    assert records == []


def test_count_masks_of_an_empty_label():
    scene = make_scene()
    empty = np.full_like(scene.weak, 255)
    generator = make_generator()
    prepared = generator.prepare(scene.image, empty)
    assert not generator.count_masks(scene.image, prepared).any()


def test_generator_of_one_pixel():
    scene = make_scene(rows=1, cols=2)
    weak = np.full_like(scene.weak, 255)
    weak[0, 0] = 6
    label, _ = make_generator(hole_purity=0)(scene.image, weak)
    np.testing.assert_array_equal(
        label, np.where(np.arange(48) < 24, 6, 255)[None].repeat(24, axis=0)
    )


def test_generator_of_a_dense_label_returns_it():
    scene = make_scene()
    label, _ = make_generator()(scene.image, scene.truth)
    np.testing.assert_array_equal(label, scene.truth)


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
        dict(min_area=65),
        dict(max_labelled_pixels=1000),
        dict(hole_purity=0.9),
    ],
    ids=lambda options: next(iter(options)),
)
def test_fingerprint_depends_on_options_of_masks(options):
    defaults = dict(segmenter=dict(type='FlatColourSegmenter'))
    default = PseudoLabelGenerator(**defaults).fingerprint
    other = PseudoLabelGenerator(**{**defaults, **options}).fingerprint
    assert json.loads(json.dumps(default)) == default != other


@TASK_UTILS.register_module()
class DerivedPrompter(SkeletonPrompter):
    """Has the options of the default."""


@TASK_UTILS.register_module()
class DerivedSelector(CoverageMaskSelector):
    """Has the options of the default."""


@pytest.mark.parametrize('part', ['prompter', 'selector'])
def test_fingerprint_depends_on_the_class_of_a_part(part):
    derived = dict(type=f'Derived{part.capitalize()}')
    assert (
        make_generator(**{part: derived}).fingerprint
        != make_generator().fingerprint
    )


def test_fingerprint_depends_on_the_class_of_the_generator():
    class DerivedGenerator(PseudoLabelGenerator):
        """Has the options of its base."""

    derived = DerivedGenerator(dict(type='FlatColourSegmenter'))
    assert derived.fingerprint != make_generator().fingerprint


@TASK_UTILS.register_module()
class PlainPart:
    """Has no fields that tell it from another one."""

    max_conflict = 0.1

    def __call__(self, components):
        return []


@TASK_UTILS.register_module()
@dataclass
class PartWithoutConflict:
    def __call__(self, components):
        return []


@TASK_UTILS.register_module()
class PartWithOptions(SkeletonPrompter):
    """Has an option that is no field."""

    def __init__(self, jitter=0):
        super().__init__()
        self.jitter = jitter


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(prompter='PartWithOptions'), 'PartWithOptions.*a dataclass'),
        (dict(prompter='PlainPart'), 'got prompter=.*PlainPart.*a dataclass'),
        (dict(selector='PlainPart'), 'got selector=.*PlainPart.*a dataclass'),
        (dict(selector='PartWithoutConflict'), 'selector=.*max_conflict'),
    ],
)
def test_generator_rejects_parts_without_what_it_reads(options, expected):
    configs = {name: dict(type=kind) for name, kind in options.items()}
    with pytest.raises(ValueError, match=expected):
        make_generator(**configs)


@TASK_UTILS.register_module()
@dataclass(frozen=True)
class PartWithValue(CoverageMaskSelector):
    """Has an option of any type."""

    value: object = None


def test_generator_names_options_of_parts_that_json_cannot_hold():
    selector = dict(type='PartWithValue', value=[1, {2}])
    with pytest.raises(ValueError, match="Value holds set at 'value.1'"):
        make_generator(selector=selector)


def test_fingerprint_does_not_depend_on_the_batch_size():
    assert (
        make_generator(prompts_per_call=3).fingerprint
        == make_generator().fingerprint
    )
