"""Locks a folder that one run at a time writes to."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


class FolderLock(FileLock):
    """Already acquired on construction; `with` only releases it."""

    def __enter__(self) -> FolderLock:
        return self


def lock_folder(folder: str | Path, remedy: str) -> FolderLock:
    """Locks a folder, created if it does not exist, until the process ends.

    Raises:
        ValueError: another run holds the lock; `remedy` ends the message.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder / '.lock')
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f'{folder} is in use by another run; {remedy}.'
        ) from None
    return lock
