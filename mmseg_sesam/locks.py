"""Folders that one run at a time writes to."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


def lock_folder(folder: str | Path, remedy: str) -> FileLock:
    """Locks a folder until the process ends, however it ends.

    Args:
        folder: made if it is not there.
        remedy: what to do if it is in use.

    Returns:
        The lock.

    Raises:
        ValueError: another run holds it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / '.lock')
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f'{folder} is in use by another run; {remedy}.'
        ) from None
    return lock
