"""Names of classes that may be misspelt."""

from __future__ import annotations

import pytest

from mmseg_sesam.start.class_names import misspelt_names


@pytest.mark.parametrize(
    'images, names',
    [
        ({'car': 8, 'Car': 1, ' car ': 1}, ["'car'", "'Car'", "' car '"]),
        ({'Road': 0, 'road': 6}, ["'Road'", "'road'"]),
        ({'sky': 9, 'ksy': 1, 'tree': 8}, ["'ksy'", "'sky'"]),
        ({'background': 5, 'Backgrund': 1}, ["'Backgrund'", "'background'"]),
    ],
)
def test_misspelt_names_finds_names_of_one_class(images, names) -> None:
    (said,) = misspelt_names(images)
    assert all(name in said for name in names)
    assert 'correct the labels' in said


@pytest.mark.parametrize(
    'images', [{'cat': 5, 'car': 5}, {'cat': 1, 'car': 1}, {'sky': 9, 'x': 1}]
)
def test_misspelt_names_leaves_other_classes_alone(images) -> None:
    assert not [*misspelt_names(images)]
