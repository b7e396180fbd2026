"""Names of files as people see them."""

from __future__ import annotations

import os


def printable(name: str | os.PathLike) -> str:
    r"""Escapes what of a name is invisible or cannot be encoded.

    A name may hold bytes that are no UTF-8, which Python keeps as lone
    surrogates and no output can encode, or characters without a width, such
    as the byte order mark of a list. Use it wherever a name is shown.

    Args:
        name: or path of a file.

    Returns:
        The name, with an escape such as `\udce9` for each such character.

    Example:
        >>> printable('caf\udce9.jpg')
        'caf\\udce9.jpg'
    """
    return ''.join(
        c if c.isprintable() else c.encode('unicode_escape').decode()
        for c in str(name)
    )
