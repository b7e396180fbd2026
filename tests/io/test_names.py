"""Names of files as people see them."""

from __future__ import annotations

import os

import pytest

from mmseg_sesam.io.names import check_unique, printable, sample_key


@pytest.mark.parametrize(
    ('name', 'shown'),
    [
        ('town/a b.png', 'town/a b.png'),
        ('café/写真.jpg', 'café/写真.jpg'),
        (os.fsdecode(b'caf\xe9.jpg'), 'caf\\udce9.jpg'),
        ('\ufeffa.jpg', '\\ufeffa.jpg'),
        ('a\nb.jpg', 'a\\nb.jpg'),
    ],
)
def test_printable_escapes_what_cannot_be_shown(name: str, shown: str) -> None:
    assert printable(name) == shown
    printable(name).encode()


def test_check_unique_allows_a_path_listed_twice() -> None:
    check_unique([('a', 'x/a.jpg'), ('b', 'x/b.jpg'), ('a', 'x/a.jpg')])


def test_check_unique_names_both_files() -> None:
    named = [('a', 'x/a.jpg'), ('b', 'x/b.jpg'), ('a', '\ufeffa.png')]
    with pytest.raises(ValueError) as error:
        check_unique(named, 'would be {name}.png', 'rename one')
    assert str(error.value) == (
        'x/a.jpg and \\ufeffa.png would be a.png; rename one.'
    )


@pytest.mark.parametrize(
    'path, key',
    [
        ('data/images/a.jpg', 'images/a'),
        ('data/images/town/a.v1.jpg', 'images/town/a.v1'),
        ('data/./images/../images/a.jpg', 'images/a'),
        ('data/..hidden/a.jpg', '..hidden/a'),
        ('data/a', 'a'),
    ],
)
def test_sample_key_is_the_path_below_the_data_root(
    path: str, key: str
) -> None:
    assert sample_key(path, 'data') == key
    assert sample_key(path, 'data/') == key
    assert sample_key(os.path.abspath(path), 'data') == key


@pytest.mark.parametrize(
    'path', ['a.jpg', '../a.jpg', 'data/../a.jpg', 'data2/a.jpg', '/a.jpg']
)
def test_sample_key_outside_of_the_data_root(path: str) -> None:
    with pytest.raises(
        ValueError, match=f"{path} lies outside of data_root='data'; set"
    ):
        sample_key(path, 'data')
