"""Where embeddings are kept: in memory, or on disk."""

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

from mmseg_sesam.io.atomic import (
    PARTS,
    STALE_SECONDS,
    remove_parts,
    replacing,
)

GIB = 2**30
# Disk space that is left to others, in bytes.
RESERVE = GIB
_SUFFIX = '.safetensors'
_DIGEST = hashlib.sha256().digest_size


class EmbeddingCache(ABC):
    """Keeps tensors by name, up to a size.

    When it is full it keeps what it has: rounds go through all images in
    turn, and a cache that made room for the latest would forget each image
    just before it is asked for again (our choice).

    Args:
        max_bytes: of all entries.
    """

    def __init__(self, max_bytes: float) -> None:
        self.max_bytes = max_bytes
        self.used = 0

    @abstractmethod
    def get(self, key: str) -> dict[str, Tensor] | None:
        """The tensors of a name, None if they are not kept."""

    def put(self, key: str, tensors: dict[str, Tensor]) -> None:
        """Keeps tensors, if there is room."""
        payload = save(tensors)
        size = len(payload) + _DIGEST
        if self.room() >= size and self._write(key, payload):
            self.used += size

    def room(self) -> float:
        """Bytes that can still be kept."""
        return self.max_bytes - self.used

    @abstractmethod
    def _write(self, key: str, payload: bytes) -> bool:
        """Keeps the bytes of an entry; tells whether it could."""


class MemoryCache(EmbeddingCache):
    """Keeps tensors in the memory of the process."""

    def __init__(self, max_bytes: float) -> None:
        super().__init__(max_bytes)
        self._entries: dict[str, bytes] = {}

    def get(self, key: str) -> dict[str, Tensor] | None:
        """See `EmbeddingCache.get`."""
        payload = self._entries.get(key)
        return None if payload is None else load(payload)

    def _write(self, key: str, payload: bytes) -> bool:
        self._entries[key] = payload
        return True


class DiskCache(EmbeddingCache):
    """Keeps tensors in a folder, a file for each name.

    Several processes may write, on several machines; a file begins with the
    checksum of the rest, and one that does not match it is made anew.

    Args:
        folder: of the files; made when the first one is written.
        max_bytes: of all files of the folder.
        num_writers: processes that share what room there is.
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
        remove_parts(self.folder.rglob(PARTS), STALE_SECONDS)
        self._found = self.used = sum(
            path.stat().st_size for path in self.folder.rglob(f'*{_SUFFIX}')
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
        """See `EmbeddingCache.room`; the disk may have less."""
        share = (self.max_bytes - self._found) / self.num_writers
        written = self.used - self._found
        return min(share - written, self.free() - RESERVE)

    def free(self) -> int:
        """Bytes that the disk has left."""
        place = self.folder
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def _write(self, key: str, payload: bytes) -> bool:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as part, part.open('wb') as file:
                file.write(hashlib.sha256(payload).digest())
                file.write(payload)
        except OSError as error:
            # The next run only loses time.
            self.max_bytes = 0
            print_log(
                f'The embedding cache {self.folder} cannot be written '
                f'({error}); nothing more is added to it in this run.',
                logger='current',
                level=logging.WARNING,
            )
            return False
        return True

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f'{key}{_SUFFIX}'
