"""Options as JSON values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mmseg_sesam.io.json_values import json_values


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
