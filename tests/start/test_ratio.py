"""How often images of each kind of label are drawn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.datasets.samplers import RATIO
from mmseg_sesam.start.ratio import drawing_ratio

PROPERTY = settings(max_examples=200)
NUMBER = st.integers(1, 5000)
NUMBERS = st.dictionaries(
    st.sampled_from(['dense', 'coarse', 'scribble', 'point', 'none']),
    NUMBER,
    min_size=1,
)


@PROPERTY
@given(NUMBERS)
def test_drawing_ratio_never_draws_a_kind_too_often(
    numbers: dict[str, int],
) -> None:
    ratio = drawing_ratio(numbers)

    assert RATIO.allows(ratio) and ratio.keys() == numbers.keys()
    assert math.gcd(*ratio.values()) == 1
    weak = {*numbers} - {'dense', 'none'}
    often = {kind: ratio[kind] / numbers[kind] for kind in numbers}
    assert len({often[kind] for kind in weak}) <= 1
    for kind in weak & {*numbers}:
        if 'dense' in numbers:
            assert 0.99 <= often['dense'] / often[kind] <= 6.01
        if 'none' in numbers:
            assert often['none'] <= 1.01 * often[kind]
    drawn = sum(ratio.values())
    if {'dense', 'none'} < numbers.keys():
        assert ratio['none'] <= 0.25 * drawn
    if 'dense' in numbers and weak:
        labelled = drawn - ratio.get('none', 0)
        total = sum(numbers.values()) - numbers.get('none', 0)
        most = max(1 / 8, numbers['dense'] / total)
        assert ratio['dense'] / labelled <= most + 0.01


@pytest.mark.parametrize(
    ('numbers', 'ratio'),
    [
        (dict(dense=10, scribble=357), dict(dense=1, scribble=7)),
        (dict(dense=1, point=366), dict(dense=1, point=61)),
        (dict(dense=5, scribble=15), dict(dense=1, scribble=3)),
        (dict(dense=13, none=354), dict(dense=3, none=1)),
        (dict(point=325, none=42), dict(point=325, none=42)),
    ],
)
def test_drawing_ratio_of_measured_mixes(numbers: dict, ratio: dict) -> None:
    assert drawing_ratio(numbers) == ratio
