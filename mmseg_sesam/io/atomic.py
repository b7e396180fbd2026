"""Files that are replaced whole."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# What killed processes leave is found by this pattern.
PARTS = '.*.part'
# Older parts belong to no process that still writes (our choice).
STALE_SECONDS = 24 * 3600
# File systems allow 255 bytes; the rest is for the token and '.part'.
_NAME_BYTES = 200


@contextmanager
def replacing(path: str | os.PathLike, sync: bool = False) -> Iterator[Path]:
    """Yields a path to write to, and moves what was written to a file.

    Readers see the old file or the new one, never half of one. The path is
    beside the file, hidden, and of a random name: processes of several
    containers or machines may have one process id. If an error comes, what
    was written is removed.

    Args:
        path: of the file; its folder exists.
        sync: whether to wait until the content is on disk, so that it
            outlives a crash of the machine.

    Yields:
        Where to write. Pillow and numpy tell formats by suffixes, which it
        does not have: name the format, or give them an open file.

    Raises:
        OSError: the file cannot be replaced.

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
    # Without bytes that are no UTF-8, which some file systems refuse.
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


def sync_file(path: Path) -> None:
    """Waits until a file, or the entries of a folder, are on disk.

    Args:
        path: of the file or folder.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_parts(paths: Iterable[Path], older_than: float = 0) -> None:
    """Removes what killed processes left of files.

    Args:
        paths: the parts, found by `PARTS`.
        older_than: seconds since the last write; 0 where no other process
            can be writing, else `STALE_SECONDS`.
    """
    latest = time.time() - older_than
    for path in paths:
        # Another process may remove it as well.
        with suppress(OSError):
            if path.stat().st_mtime <= latest:
                path.unlink()
