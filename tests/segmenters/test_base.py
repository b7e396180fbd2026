"""Fingerprints of segmenters."""

from __future__ import annotations

from typing import Any

import pytest

from mmseg_sesam.segmenters import SuperpixelSegmenter
from mmseg_sesam.segmenters.base import json_fingerprint


class WithFacts(SuperpixelSegmenter):
    """Names further facts in its fingerprint."""

    def __init__(self, facts: Any) -> None:
        super().__init__()
        self.facts = facts

    @property
    def fingerprint(self) -> dict[str, Any]:
        return dict(super().fingerprint, facts=self.facts)


def test_json_fingerprint_is_as_a_file_gives_it_back() -> None:
    facts = dict(radii=(8, 0.5), name='a', flag=True, none=None)
    made = json_fingerprint(WithFacts(facts))
    assert made['facts'] == dict(facts, radii=[8, 0.5])


@pytest.mark.parametrize(
    ('facts', 'text'),
    [
        ([1, {2}], "set at 'facts.1'"),
        (int, "type at 'facts'"),
        ({(1, 2): 3}, "tuple at 'facts'"),
    ],
)
def test_json_fingerprint_names_other_values(facts: Any, text: str) -> None:
    with pytest.raises(
        ValueError, match=f'WithFacts.fingerprint holds.*{text}'
    ):
        json_fingerprint(WithFacts(facts))
