"""What holds for any image, weak label and options of the generator."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.components import find_components
from mmseg_sesam.pseudo_labels.records import ComponentRecord

from .segmenters import make_generator

PROPERTY = settings(max_examples=50)


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
        ),
        selector=dict(
            type='CoverageMaskSelector',
            max_conflict=draw(st.sampled_from([0, 0.2, 0.6, 1])),
            min_reliability=draw(st.sampled_from([0, 0.7, 0.99])),
            min_predicted_iou=draw(st.sampled_from([0, 0.5])),
            min_gain=draw(st.sampled_from([0.05, 1])),
        ),
        min_area=draw(st.sampled_from([0, 4])),
        max_labelled_pixels=draw(st.sampled_from([1, 20, 65536])),
        hole_purity=draw(st.sampled_from([0, 0.6])),
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
    components = find_components(label)
    assert [r.bbox for r in records] == [c.bbox for c in components]
    assert [r.area for r in records] == [c.area for c in components]
    selector = generator.selector
    for record in records:
        assert record.from_person
        if record.fell_back:
            assert record.mask_area == record.coverage == 0
            assert record.chosen == [] and 'taken' not in record.verdicts
            continue
        assert record.verdicts['taken'] == len(record.chosen)
        assert 0 < record.mask_area <= label.size
        # Rounded to four digits.
        assert 0 < record.coverage <= 1
        assert record.conflict <= selector.max_conflict + 1e-4
        assert record.reliability >= selector.min_reliability - 1e-4
        assert record.predicted_iou >= selector.min_predicted_iou - 1e-4
    fell_back = all(record.fell_back for record in records)
    if fell_back and not generator.hole_purity:
        np.testing.assert_array_equal(pseudo, label)


@PROPERTY
@given(scribbled_images(), generators())
def test_generator_spreads_no_class_that_fell_back(scribbled, generator):
    image, label = scribbled
    generator.hole_purity = 0
    pseudo, records = generator(image, label)
    spread = {record.class_id for record in records if not record.fell_back}
    added = pseudo[(label == 255) & (pseudo != 255)]
    assert set(added) <= spread


@PROPERTY
@given(scribbled_images(), generators())
def test_generator_fills_holes_without_changing_labels(scribbled, generator):
    image, label = scribbled
    generator.hole_purity = 0
    with_holes = generator(image, label)
    generator.hole_purity = 0.6
    filled = generator(image, label)
    labelled = with_holes.label != 255
    np.testing.assert_array_equal(
        filled.label[labelled], with_holes.label[labelled]
    )
    assert filled.records == with_holes.records


@PROPERTY
@given(scribbled_images(), generators())
def test_generator_records_survive_json(scribbled, generator):
    for record in generator(*scribbled).records:
        read = json.loads(json.dumps(record._asdict()))
        assert ComponentRecord(**read) == record._replace(
            bbox=list(record.bbox)
        )
        assert type(record.coverage) is float
