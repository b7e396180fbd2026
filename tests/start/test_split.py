from __future__ import annotations

import pytest

from mmseg_sesam.start.split import split_blocks


def test_split_blocks_puts_few_neighbours_into_both_parts() -> None:
    names = [f'{number:03}' for number in range(100)]

    train, val = split_blocks(names[::-1], 0.3)

    assert len(val) == 30
    assert sorted(train + val) == names
    both = [
        (one, two)
        for one, two in zip(names, names[1:])
        if (one in val) != (two in val)
    ]
    assert len(both) == 6


@pytest.mark.parametrize('share', [0.01, 0.99])
def test_split_blocks_refuses_an_empty_part(share: float) -> None:
    with pytest.raises(ValueError, match='--val-share'):
        split_blocks(['a', 'b', 'c'], share)
