"""Names of files: in messages, in a store, and that no two are equal."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path


def printable(name: str | os.PathLike) -> str:
    r"""Returns a name with escapes for characters that cannot be shown.

    A name may contain bytes that are no UTF-8, which Python keeps as lone
    surrogates and no output can encode, or characters without a width, such
    as the byte order mark of a list. Use it wherever a message has a name.

    Example:
        >>> printable('caf\udce9.jpg')
        'caf\\udce9.jpg'
    """
    return ''.join(
        c if c.isprintable() else c.encode('unicode_escape').decode()
        for c in str(name)
    )


def name_some(things: Sequence[object], most: int = 3) -> str:
    """Returns the first things as text, and how many more there are.

    Example:
        >>> name_some(['a', 'b', 'c', 'd', 'e'])
        'a, b, c and 2 more'
    """
    text = ', '.join(map(printable, things[:most]))
    more = len(things) - most
    return f'{text} and {more} more' if more > 0 else text


def name_all(names: Sequence[str]) -> str:
    """Returns names as a list in a sentence.

    Example:
        >>> name_all(['cat', 'dog', 'cow'])
        'cat, dog and cow'
    """
    *others, last = names
    return f'{", ".join(others)} and {last}' if others else last


def nfc(name: str) -> str:
    r"""Returns a name with its accents within letters, to compare names.

    Macs write an accent as a character of its own (NFD), other systems write
    it within the letter (NFC).

    Example:
        >>> len('cafe\u0301'), len(nfc('cafe\u0301'))
        (5, 4)
    """
    return unicodedata.normalize('NFC', name)


def check_unique(
    named: Iterable[tuple[object, str | os.PathLike]],
    problem: str = 'have one name',
    remedy: str = 'rename one of them',
) -> None:
    """Checks that no two files have one name; a path may be listed twice.

    Args:
        named: name and path of each file.
        problem: what two files of one name do; `{name}` stands for it.
        remedy: what to do, the end of the message.

    Raises:
        ValueError: two different paths have one name.

    Example:
        >>> check_unique([('a', 'a.jpg'), ('a', 'a.png')])
        Traceback (most recent call last):
        ...
        ValueError: a.jpg and a.png have one name; rename one of them.
    """
    paths: dict[object, str] = {}
    for name, path in named:
        other = paths.setdefault(name, str(path))
        if other != str(path):
            raise ValueError(
                f'{printable(other)} and {printable(path)} '
                f'{problem.format(name=name)}; {remedy}.'
            )


def sample_key(img_path: str, data_root: str) -> str:
    """Returns the path of an image below the data root, without suffix.

    Raises:
        ValueError: the image lies outside of the data root.

    Example:
        >>> sample_key('data/images/town/a.jpg', 'data')
        'images/town/a'
    """
    relative = os.path.relpath(img_path, data_root)
    if relative.split(os.sep)[0] == os.pardir:
        raise ValueError(
            f'{img_path} lies outside of data_root={data_root!r}; set '
            'data_root, of the data set or of SimulateWeakLabel, to the '
            'folder that holds all training images.'
        )
    return Path(relative).with_suffix('').as_posix()
