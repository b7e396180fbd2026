"""Digests of files that may be larger than the memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import BinaryIO

_BLOCK = 1 << 20


def files_digest(files: Iterable[BinaryIO]) -> str:
    """Returns the sha256 of open files one after another, in hex digits.

    Example:
        >>> from io import BytesIO
        >>> whole = files_digest([BytesIO(b'ab')])
        >>> files_digest([BytesIO(b'a'), BytesIO(b'b')]) == whole
        True
    """
    # hashlib.file_digest needs Python 3.11.
    digest = hashlib.sha256()
    for file in files:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
