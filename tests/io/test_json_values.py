"""Options as JSON values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mmseg_sesam.io.json_values import diff, json_digest, json_values


def test_json_values_are_as_a_file_gives_them_back() -> None:
    given = dict(
        scale=(40.0, 0.5),
        mean=np.array([1.0, 2.5]),
        size=np.int64(3),
        flag=np.bool_(True),
        lost=float('nan'),
        none=None,
    )
    made = json_values('Step', given)
    assert made == dict(
        scale=[40, 0.5],
        mean=[1, 2.5],
        size=3,
        flag=True,
        lost='NaN',
        none=None,
    )
    assert json.loads(json.dumps(made)) == made


def test_json_values_names_what_has_a_name() -> None:
    values = dict(kinds=[int, len, np.log1p, np.mean])
    made = json_values('Step', values, by_name=True)
    assert made == dict(kinds=['int', 'len', 'log1p', 'mean'])


@pytest.mark.parametrize('by_name', [True, False])
@pytest.mark.parametrize(
    ('values', 'text'),
    [
        (dict(a=[0, {1}]), r"set at 'a\.1'"),
        (dict(a={(1, 2): 3}), "tuple at 'a'"),
        (dict(a={int: 3}), "type at 'a'"),
        (dict(a=np.array([object()])), r"object at 'a\.0'"),
    ],
)
def test_json_values_refuses_others(
    values: Any, text: str, by_name: bool
) -> None:
    with pytest.raises(ValueError, match=f'Step holds {text}, expected JSON'):
        json_values('Step', values, by_name)


def test_json_values_takes_names_where_asked() -> None:
    with pytest.raises(ValueError, match="Step holds type at 'kind'"):
        json_values('Step', dict(kind=int))


def test_json_digest_is_that_of_stored_rounds() -> None:
    # sha256sum of {"a": [0.5, "x"], "b": null}.
    digest = json_digest(dict(b=None, a=(0.5, 'x')))
    assert digest == (
        '91d613eb051f4e123cfbde988cb4fdc52a55dc4d2d50f1e9c066af26f8844b5f'
    )


@pytest.mark.parametrize(
    ('before', 'now', 'text'),
    [
        (dict(a=1), dict(a=1), ''),
        (dict(a=40), dict(a=40.0), ''),
        (dict(a=dict(b=[1, 2])), dict(a=dict(b=[1, 3])), 'a.b.1 was 2 and'),
        (dict(a=1), {}, 'a was 1 and is (not there)'),
        (dict(a=1, b=[]), dict(a=1), 'b was [] and is (not there)'),
        ({}, dict(a='x'), "a was (not there) and is 'x'"),
        (list(range(9)), [None] * 9, '4 more'),
    ],
)
def test_diff_names_changes(before, now, text: str) -> None:
    said = diff(before, now)
    assert text in said if text else said == ''
