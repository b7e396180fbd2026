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
from mmseg_sesam.visualization.explanation_sheet import save_explanation


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
