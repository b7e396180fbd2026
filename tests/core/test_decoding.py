"""Decoding a few prompts at once, for measures and for masks."""

import numpy as np
import pytest

from mmseg_sesam.core.candidates import MaskCandidates
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.core.decoding import draw_unions, measure_components
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.core.prompts import PointPrompt


class Boxes:
    """A segmenter of boxes: for (x, y) the columns from x, and the row y."""

    def __init__(self, shape, drawn=None):
        self.shape, self.drawn = shape, drawn or shape
        self.calls = []

    def __call__(self, prompts):
        self.calls.append(len(prompts))
        masks = np.zeros((len(prompts), 2, *self.drawn), bool)
        for (columns, row), prompt in zip(masks, prompts):
            x, y = prompt.points[0].astype(int)
            columns[:, x : x + 3] = True
            row[y] = True
        return MaskCandidates(masks, np.ones((len(prompts), 2)))


def prepare(label):
    """Returns a label prepared with a prompt for each labelled pixel."""
    components = find_components(label)
    prompts = [
        [
            PointPrompt(np.array([[x, y]], np.float32))
            for y, x in zip(*component.pixels)
        ]
        for component in components
    ]
    return PreparedLabel(
        label,
        components,
        prompts,
        LabelledPixels.gather(components),
        Evidence.none(label.shape),
        ConflictPrior.none(),
    )


@pytest.fixture
def prepared():
    label = np.full((9, 12), 255, np.uint8)
    label[2, 1:4] = 0
    label[6, 2] = 200
    label[4, 7:9] = 3
    return prepare(label)


@pytest.mark.parametrize('prompts_per_call', [1, 2, 3, 4, 256])
def test_measure_components_decodes_few_prompts_at_once(
    prepared, prompts_per_call
):
    decode = Boxes(prepared.label.shape)
    measured = measure_components(decode, prepared, prompts_per_call)
    together = measure_components(Boxes(prepared.label.shape), prepared)
    assert max(decode.calls) <= max(prompts_per_call, 3)
    assert sum(decode.calls) == 6
    assert [m.component.class_id for m in measured] == [0, 3, 200]
    for one, other in zip(measured, together):
        for values in ('masks', 'held', 'shares'):
            np.testing.assert_array_equal(
                getattr(one, values), getattr(other, values)
            )
        np.testing.assert_array_equal(one.inside, other.inside)
        np.testing.assert_array_equal(one.areas, other.areas)


@pytest.mark.parametrize('change', [-1, 1])
def test_measure_components_raises_on_candidates_of_other_prompts(
    prepared, change
):
    boxes = Boxes(prepared.label.shape)
    number = sum(map(len, prepared.prompts))

    def decode(prompts):
        return boxes((prompts * 2)[: number + change])

    with pytest.raises(
        ValueError, match=f'of {number + change} prompts, expected {number},'
    ):
        measure_components(decode, prepared)


@pytest.mark.parametrize('prompts_per_call', [1, 2, 256])
def test_draw_unions_draws_the_chosen_candidates(prepared, prompts_per_call):
    decode = Boxes(prepared.label.shape)
    measured = measure_components(decode, prepared)
    # Numbers count two candidates of each prompt.
    assert measured[0].split(5) == (2, 1)
    chosen = {2: [0], 0: [0, 4, 5]}
    drawn = dict(draw_unions(decode, measured, chosen, prompts_per_call))
    assert list(drawn) == [2, 0]
    # 4 and 5 are of one prompt.
    assert sum(decode.calls) == 6 + 3
    columns, cross = np.zeros((2, 9, 12), bool)
    columns[:, 2:5] = True
    cross[:, 1:6] = cross[2] = True
    np.testing.assert_array_equal(drawn[2].whole(), columns)
    np.testing.assert_array_equal(drawn[0].whole(), cross)


def test_draw_unions_raises_on_a_mask_of_another_size(prepared):
    decode = Boxes(prepared.label.shape, drawn=(12, 9))
    measured = measure_components(Boxes(prepared.label.shape), prepared)
    with pytest.raises(ValueError, match=r'\(12, 9\).*expected \(9, 12\)'):
        list(draw_unions(decode, measured, {0: [1]}))


def test_measure_components_of_a_label_without_components():
    decode = Boxes((4, 5))
    prepared = prepare(np.full((4, 5), 255, np.uint8))
    assert measure_components(decode, prepared) == []
    assert list(draw_unions(decode, [], {})) == []
    assert decode.calls == []
