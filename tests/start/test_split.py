from __future__ import annotations

import pytest

from mmseg_sesam.start.split import sole_images, split_blocks


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


@pytest.mark.parametrize(
    'held, expected',
    [
        (['b'], {}),
        (['c'], {'c': {2}}),
        (['e', 'd', 'c'], {'c': {2}, 'd': {3}}),
        (['e', 'd'], {'d': {3}}),
        (['a', 'b', 'c', 'd', 'e'], {'a': {0}, 'b': {1}, 'c': {2}, 'd': {3}}),
    ],
    ids=['none', 'one', 'two', 'first of two', 'all'],
)
def test_sole_images_show_classes_that_no_other_shows(
    held: list[str], expected: dict[str, set[int]]
) -> None:
    classes = dict(a={0}, b={0, 1}, c={1, 2}, d={0, 3}, e={3})
    assert sole_images(held, classes) == expected
