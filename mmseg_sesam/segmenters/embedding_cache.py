"""Stores for embeddings, in memory or on disk."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from mmengine.logging import print_log
from safetensors.torch import load, save
from torch import Tensor

from mmseg_sesam.io import atomic
from mmseg_sesam.io.memory import available_memory

GIB = 2**30
# Share of the free disk space, and least bytes of it, that the cache leaves
# to rounds and checkpoints, which are written later (our choice).
RESERVED_SHARE = 0.1
RESERVE = GIB
# Bytes of memory that it leaves free, since training needs more later than
# while a round is made (our choice).
MEMORY_RESERVE = 2 * GIB
_SUFFIX = '.safetensors'
_DIGEST = hashlib.sha256().digest_size


class EmbeddingCache(ABC):
    """Stores tensors by name, up to `max_bytes` in all.

    A full cache replaces no entry (our choice): every round reads all images
    in the same order, so that replacing the oldest entry would remove each
    image shortly before it is read.
    """

    def __init__(self, max_bytes: float) -> None:
        self.max_bytes = max_bytes
        self.used = 0
        self._warned = False

    @abstractmethod
    def get(self, key: str) -> dict[str, Tensor] | None:
        """Returns the tensors of a name, or None if there are none."""

    def put(self, key: str, tensors: dict[str, Tensor]) -> None:
        """Stores tensors if there is room; warns once if there is none."""
        payload = save(tensors)
        size = len(payload) + _DIGEST
        if self.room() < size:
            # The remedy looks at all files of the caches beside this one.
            if not self._warned:
                self._warn_once(
                    f'The embedding cache is full with {self.used / GIB:.1f} '
                    'GiB; other images are encoded in every round. '
                    f'{self._remedy()}'
                )
        elif self._write(key, payload):
            self.used += size

    def room(self) -> float:
        """Returns the bytes that can still be stored."""
        return self.max_bytes - self.used

    def _warn_once(self, message: str) -> None:
        if not self._warned:
            print_log(message, logger='current', level=logging.WARNING)
        self._warned = True

    @abstractmethod
    def _remedy(self) -> str:
        """Returns a sentence that says how to make room."""

    @abstractmethod
    def _write(self, key: str, payload: bytes) -> bool:
        """Stores the bytes of an entry; returns whether it succeeded."""


class MemoryCache(EmbeddingCache):
    """Stores tensors in the memory of the process.

    Args:
        max_bytes: largest size of all entries.
        num_neighbours: processes of this machine that share what memory is
            left, this one included.
    """

    def __init__(self, max_bytes: float, num_neighbours: int = 1) -> None:
        super().__init__(max_bytes)
        self.num_neighbours = num_neighbours
        self._entries: dict[str, bytes] = {}

    def get(self, key: str) -> dict[str, Tensor] | None:
        """See `EmbeddingCache.get`."""
        payload = self._entries.get(key)
        return None if payload is None else load(payload)

    def room(self) -> float:
        """See `EmbeddingCache.room`; at most what the memory has left."""
        left = (available_memory() - MEMORY_RESERVE) / self.num_neighbours
        return min(super().room(), left)

    def _remedy(self) -> str:
        return (
            'Set folder= of CachedSegmenter to store embeddings on disk, or '
            'raise max_gib= if memory is left.'
        )

    def _write(self, key: str, payload: bytes) -> bool:
        self._entries[key] = payload
        return True


class DiskCache(EmbeddingCache):
    """Stores tensors in a folder, one file for each name.

    Several processes may write, also on several machines. A file begins with
    the sha256 of its payload; a file that does not match is written again.
    A tenth of the disk space that is free on construction, and at least
    1 GiB, is left to rounds and checkpoints.

    Args:
        folder: folder of the files, created with the first one.
        max_bytes: largest size of all files of the folder.
        num_writers: processes that share the room equally.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        max_bytes: float,
        num_writers: int = 1,
    ) -> None:
        super().__init__(max_bytes)
        self.folder = Path(folder)
        self.num_writers = num_writers
        atomic.remove_parts(
            self.folder.rglob(atomic.PARTS), atomic.STALE_SECONDS
        )
        self._found = self.used = sum(
            path.stat().st_size for path in self.folder.rglob(f'*{_SUFFIX}')
        )
        # With its own entries, so that a resumed run leaves as much.
        self._reserve = max(
            RESERVE, RESERVED_SHARE * (self._free() + self._found)
        )

    def get(self, key: str) -> dict[str, Tensor] | None:
        """See `EmbeddingCache.get`."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        digest, payload = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(payload).digest() != digest:
            return None
        return load(payload)

    def room(self) -> float:
        """See `EmbeddingCache.room`; at most what the disk has left."""
        share = (self.max_bytes - self._found) / self.num_writers
        written = self.used - self._found
        return min(share - written, self._free() - self._reserve)

    def _free(self) -> int:
        """Returns the free bytes of the disk."""
        place = self.folder
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def _remedy(self) -> str:
        text = 'Raise max_gib= of CachedSegmenter, or free disk space.'
        others = self._others()
        if others:
            names = ', '.join(
                f'{name} {size / GIB:.1f}' for name, size in others.items()
            )
            text += (
                f' {self.folder.parent} also has embeddings of other '
                f'segmenters or settings, in GiB: {names}; remove those that '
                'no run uses.'
            )
        return text

    def _others(self) -> dict[str, int]:
        """Returns the bytes of the caches beside this one, by their names."""
        sizes: dict[str, int] = {}
        for path in sorted(self.folder.parent.glob(f'*/??/*{_SUFFIX}')):
            name = path.relative_to(self.folder.parent).parts[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
        sizes.pop(self.folder.name, None)
        return sizes

    def _write(self, key: str, payload: bytes) -> bool:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.replacing(path) as part, part.open('wb') as file:
                file.write(hashlib.sha256(payload).digest())
                file.write(payload)
        except OSError as error:
            # Not an error: images are only encoded again.
            self.max_bytes = 0
            self._warn_once(
                f'The embedding cache {self.folder} cannot be written '
                f'({error}); nothing more is added to it in this run.'
            )
            return False
        return True

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f'{key}{_SUFFIX}'
