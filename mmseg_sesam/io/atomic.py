"""Replaces files as a whole."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Pattern of the files that killed processes leave behind.
PARTS = '.*.part'
# No process writes longer than this (our choice).
STALE_SECONDS = 24 * 3600
# File systems allow 255 bytes; the rest is for the token and '.part'.
_NAME_BYTES = 200


@contextmanager
def replacing(path: str | os.PathLike, sync: bool = False) -> Iterator[Path]:
    """Yields a path to write to, and then moves the written file to `path`.

    Readers see the old file or the new one, never a part of it. The yielded
    path lies beside the file, hidden, and has a random name, because process
    ids of several containers or machines may be equal. It has no suffix by
    which Pillow and numpy could choose a format. After an error the written
    part is removed.

    Args:
        path: path of the file, in a folder that exists.
        sync: whether to wait until the content is on disk, so that it
            survives a crash of the machine.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, 'notes.txt')
        ...     with replacing(path) as part:
        ...         _ = part.write_text('whole')
        ...     path.read_text()
        'whole'
    """
    path = Path(path)
    # Some file systems refuse bytes that are no UTF-8.
    name = os.fsencode(path.name)[:_NAME_BYTES].decode('utf-8', 'ignore')
    part = path.with_name(f'.{name}.{secrets.token_hex(8)}.part')
    try:
        yield part
        if sync:
            sync_file(part)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def replace_file(
    path: str | os.PathLike, content: str | bytes, sync: bool = False
) -> None:
    """Writes text in UTF-8, or bytes, as `replacing` does."""
    if isinstance(content, str):
        content = content.encode()
    with replacing(path, sync) as part:
        part.write_bytes(content)


def sync_file(path: Path) -> None:
    """Waits until a file, or the entries of a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_parts(paths: Iterable[Path], older_than: float = 0) -> None:
    """Removes files that match `PARTS`, which killed processes left behind.

    `older_than` is the least number of seconds since the last write: 0 if no
    other process can be writing, else `STALE_SECONDS`.
    """
    latest = time.time() - older_than
    for path in paths:
        # Another process may remove the same file.
        with suppress(OSError):
            if path.stat().st_mtime <= latest:
                path.unlink()
