"""Digests of large files."""

from __future__ import annotations

import hashlib
from io import BytesIO

from mmseg_sesam.io.digests import files_digest


def test_files_digest_is_that_of_the_joined_contents() -> None:
    parts = [bytes(range(256)) * 5000, b'', b'end']
    expected = hashlib.sha256(b''.join(parts)).hexdigest()
    assert files_digest(map(BytesIO, parts)) == expected
    assert files_digest([]) == hashlib.sha256().hexdigest()
