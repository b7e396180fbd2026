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
        ValueError: another run holds the lock; `remedy` is in the message.
        OSError: the disk has no locks, or cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / '.lock'
    lock = FolderLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        # Where the disk has no locks, filelock writes process and machine
        # into the file, which a killed run leaves behind.
        if path.stat().st_size:
            remedy += f', or remove {path} if that run was killed'
        raise ValueError(
            f'{folder} is in use by another run; {remedy}.'
        ) from None
    # Older releases of filelock raise NotImplementedError for such disks.
    except (OSError, NotImplementedError) as error:
        raise OSError(
            f'{folder} cannot be locked ({error}); expected a folder that can '
            'be written, on a disk with file locks: give another one, or '
            'mount its disk with locks.'
        ) from error
    return lock
