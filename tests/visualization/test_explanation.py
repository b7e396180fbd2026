"""Explanations agree with what the generator does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.core.selection import Verdict
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.visualization.explanation import explain
from mmseg_sesam.visualization.explanation_sheet import (
    describe_omitted,
    save_explanation,
)


@pytest.fixture
def generator() -> PseudoLabelGenerator:
    return PseudoLabelGenerator(
        dict(type='SuperpixelSegmenter'),
        prompter=dict(type='SkeletonPrompter', spacing=8),
    )


@pytest.fixture
def stripes(scribbles: Path) -> tuple[np.ndarray, np.ndarray]:
    image = np.array(Image.open(scribbles / 'images/deep/0.png'))
    return image, read_label(scribbles / 'weak/deep/0.png')


def test_explain_shows_the_masks_of_the_pseudo_label(
    generator: PseudoLabelGenerator, stripes: tuple[np.ndarray, np.ndarray]
) -> None:
    made, explanations = explain(generator, *stripes)

    assert (made.label == generator(*stripes).label).all()
    for explanation in explanations:
        record, candidates, selection, decoded = explanation
        mask = explanation.draw(selection.chosen)
        assert mask.sum() == record.mask_area
        assert (made.label[mask] == record.class_id).mean() > 0.9
        inside = mask[candidates.component.pixels]
        assert inside.mean() == pytest.approx(record.coverage, abs=1e-4)
        measures = [explanation.measures_of(n) for n in selection.chosen]
        _, conflict, reliability = zip(*measures)
        assert max(conflict) == pytest.approx(record.conflict, abs=1e-4)
        assert min(reliability) == pytest.approx(record.reliability, abs=1e-4)
        assert decoded.scores.size == len(selection.verdicts)
        pairs = [list(candidates.split(n)) for n in selection.chosen]
        assert pairs == record.chosen
        verdicts = [verdict.value for verdict in selection.verdicts]
        assert record.verdicts == Counter(verdicts)
        assert len(verdicts) == 3 * len(candidates.prompts)


def test_explain_orders_candidates_with_their_verdicts(
    generator: PseudoLabelGenerator, stripes: tuple[np.ndarray, np.ndarray]
) -> None:
    image, weak = stripes
    # One class's scribble crosses another's stripe: masks conflict there.
    weak = weak.copy()
    weak[20, 2:46] = np.where(weak[20, 2:46] == 255, 0, weak[20, 2:46])

    _, explanations = explain(generator, image, weak)

    limit = generator.selector.max_conflict
    found = set()
    for explanation in explanations:
        order, selection = explanation.order, explanation.selection
        count = len(selection.chosen)
        assert order[:count] == list(selection.chosen)
        assert sorted(order) == list(range(len(selection.verdicts)))
        coverage = [explanation.measures_of(n)[0] for n in order[count:]]
        assert coverage == sorted(coverage, reverse=True)
        for number, verdict in enumerate(selection.verdicts):
            coverage, conflict, _ = explanation.measures_of(number)
            assert (verdict is Verdict.COVERAGE) == (coverage == 0)
            rejected = coverage > 0 and conflict > limit
            assert (verdict is Verdict.CONFLICT) == rejected
        found |= {*selection.verdicts}
    assert {Verdict.TAKEN, Verdict.CONFLICT, Verdict.GAIN} <= found


def test_explain_of_an_unlabelled_image(
    generator: PseudoLabelGenerator,
) -> None:
    weak = np.full((20, 30), 255, np.uint8)
    made, explanations = explain(
        generator, np.zeros((20, 30, 3), np.uint8), weak
    )
    assert explanations == []
    assert (made.label == 255).all()


def test_save_explanation_has_a_row_for_each_component(
    generator: PseudoLabelGenerator,
    stripes: tuple[np.ndarray, np.ndarray],
    tmp_path: Path,
) -> None:
    made, explanations = explain(generator, *stripes)
    heights = []
    for count in range(3):
        path = tmp_path / f'{count}.png'
        save_explanation(
            path,
            *stripes,
            made,
            explanations[:count],
            [[200, 60, 40], [40, 180, 70], [60, 60, 200]],
            'abc',
        )
        with Image.open(path) as sheet:
            heights.append(sheet.height)
    rows = np.diff(heights)
    assert rows[0] == rows[1] > 100


def test_explain_takes_the_largest_components(
    generator: PseudoLabelGenerator, stripes: tuple[np.ndarray, np.ndarray]
) -> None:
    image, weak = stripes
    weak = weak.copy()
    # The scribble of class 1 becomes the largest, that of 0 the smallest.
    weak[2:-2][:, (weak == 1).any(axis=0)] = 1
    weak[30:][weak[30:] == 0] = 255

    made, explanations = explain(generator, image, weak, 2)

    assert [one.record.class_id for one in explanations] == [1, 2]
    assert describe_omitted(made.records, 2, 'abc') == (
        'Not drawn: 1 of 3 components, numbers 3 to 3 by size, each of at '
        'most 22 labelled pixels: 1 of class a. --components draws more.'
    )
    assert describe_omitted(made.records, 3, 'abc') == ''


def test_save_explanation_draws_large_images_like_small_ones(
    generator: PseudoLabelGenerator,
    stripes: tuple[np.ndarray, np.ndarray],
    tmp_path: Path,
) -> None:
    sheets = []
    for factor in (8, 32):
        image, weak = (
            np.kron(array, np.ones(shape, np.uint8))
            for array, shape in zip(
                stripes, [(factor, factor, 1), (factor, factor)]
            )
        )
        made, explanations = explain(generator, image, weak, 1)
        path = tmp_path / f'{factor}.png'
        save_explanation(
            *(path, image, weak, made, explanations),
            *([[200, 60, 40], [40, 180, 70], [60, 60, 200]], 'abc'),
        )
        with Image.open(path) as sheet:
            sheets.append(np.array(sheet.convert('L'), int))
    small, large = sheets
    assert small.shape == large.shape
    # Numbers in titles and the places of points differ.
    assert np.mean(abs(small - large) > 32) < 0.1
