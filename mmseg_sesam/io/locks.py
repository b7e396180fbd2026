"""Locks a folder that one run at a time writes to."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


class FolderLock(FileLock):
    """Already acquired on construction; `with` only releases it."""

    def __enter__(self) -> FolderLock:
        return self


def lock_folder(folder: str | Path, remedy: str) -> FolderLock:
    """Locks a folder until it is released or the process ends.

    Args:
        folder: folder, created if it does not exist.
        remedy: what to do if another run holds the lock.

    Returns:
        The acquired lock.

    Raises:
        ValueError: another run holds it.
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
