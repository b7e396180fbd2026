"""Names of files as people see them."""

from __future__ import annotations

import os

import pytest

from mmseg_sesam.io.names import printable


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
def test_what_cannot_be_shown_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
    printable(name).encode()
