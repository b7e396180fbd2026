"""Explanations agree with what the generator does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.io.labels import read_label
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.visualization.explanation import (
    CHOSEN,
    CONFLICT,
    GAIN,
    Explanation,
    explain,
)
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


def union(explanation: Explanation) -> np.ndarray:
    masks = [
        explanation.candidates.mask(judged.prompt, judged.index)
        for judged in explanation.judged
        if judged.rank
    ]
    return np.logical_or.reduce(masks)


def test_chosen_masks_make_the_pseudo_label(
    generator: PseudoLabelGenerator, stripes: tuple[np.ndarray, np.ndarray]
) -> None:
    made, explanations = explain(generator, *stripes)

    assert (made.label == generator(*stripes).label).all()
    for explanation in explanations:
        record = explanation.record
        mask = union(explanation)
        assert mask.sum() == record.mask_area
        assert (made.label[mask] == record.class_id).mean() > 0.9
        prompts, masks = explanation.candidates.scores.shape
        assert len(explanation.judged) == prompts * masks
        ranks = [judged.rank for judged in explanation.judged if judged.rank]
        assert ranks == list(range(1, len(record.chosen) + 1))
        first = explanation.judged[0]
        if len(ranks) == 1:
            assert first.coverage == pytest.approx(record.coverage, abs=1e-4)
            assert first.conflict == pytest.approx(record.conflict, abs=1e-4)


def test_verdicts_name_the_rule(
    generator: PseudoLabelGenerator, stripes: tuple[np.ndarray, np.ndarray]
) -> None:
    image, weak = stripes
    # One class's scribble crosses another's stripe: masks conflict there.
    weak = weak.copy()
    weak[20, 2:46] = np.where(weak[20, 2:46] == 255, 0, weak[20, 2:46])

    _, explanations = explain(generator, image, weak)

    judged = [one for e in explanations for one in e.judged]
    limit = generator.selector.max_conflict
    assert {CHOSEN, CONFLICT, GAIN} <= {one.verdict for one in judged}
    for one in judged:
        assert (one.verdict == CHOSEN) == bool(one.rank)
        assert (one.verdict == CONFLICT) == (one.conflict > limit)


def test_an_unlabelled_image_has_nothing_to_explain(
    generator: PseudoLabelGenerator,
) -> None:
    weak = np.full((20, 30), 255, np.uint8)
    made, explanations = explain(
        generator, np.zeros((20, 30, 3), np.uint8), weak
    )
    assert explanations == []
    assert (made.label == 255).all()


def test_the_sheet_has_a_row_for_each_component(
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


def test_the_largest_components_are_explained(
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


def test_large_images_are_drawn_like_small_ones(
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
