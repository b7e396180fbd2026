"""The price of annotations: published rates, and both ways round."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.annotations.cost import RATES, Rate, override

PROPERTY = settings(max_examples=50)
SECONDS = st.floats(0.1, 1e4)


@pytest.mark.parametrize(
    ('kind', 'images', 'hours'),
    [
        ('cityscapes-fine', 2975, 4462.5),
        ('cityscapes-coarse', 20000, 2333.3),
        ('voc-full', 10582, 704.6),
        ('voc-scribble', 10582, 102.6),
        ('voc-point', 10582, 65.0),
    ],
)
def test_rates_of_published_data_sets(
    kind: str, images: int, hours: float
) -> None:
    assert RATES[kind].hours(images) == pytest.approx(hours, abs=0.05)
    assert '20' in RATES[kind].source


@PROPERTY
@given(st.integers(0, 10**6), SECONDS)
def test_images_inverts_hours(images: int, time: float) -> None:
    rate = Rate(time, 'a test')
    assert rate.images(rate.hours(images)) == images


@PROPERTY
@given(st.floats(0, 1e4), SECONDS)
def test_images_spends_a_budget(hours: float, time: float) -> None:
    rate = Rate(time, 'a test')
    images = rate.images(hours)
    assert rate.hours(images) <= hours + 1e-5
    assert rate.hours(images + 1) > hours - 1e-5


def test_override_replaces_a_rate() -> None:
    rates = override(RATES, {'voc-point': 11})
    assert rates['voc-point'] == Rate(11, 'yours')
    assert {**rates, 'voc-point': None} == {**RATES, 'voc-point': None}
    assert RATES['voc-point'].seconds == 22.1


def test_override_rejects_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="kind 'voc-box' .*voc-point"):
        override(RATES, {'voc-box': 7})


@pytest.mark.parametrize('seconds', [0, -1, math.nan, math.inf])
def test_rate_rejects_other_numbers(seconds: float) -> None:
    with pytest.raises(ValueError, match='seconds of work'):
        override(RATES, {'voc-point': seconds})
