"""A segmenter that encodes no image twice."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.logging import print_log
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters.base import BaseSegmenter, Candidates
from mmseg_sesam.segmenters.embedding_cache import GIB, DiskCache, MemoryCache
from mmseg_sesam.validators import CONFIG, PATH, check_option, number


@TASK_UTILS.register_module()
class CachedSegmenter(BaseSegmenter):
    """Keeps another segmenter's embeddings from round to round.

    An embedding belongs to the bytes of its image and to all that the
    segmenter's masks depend on (settings, checksum of the weights): others
    are never taken for it. SAM's takes 2 MiB, some 21 GiB for the 10 582
    images of VOC and 6 GiB for the 2975 of Cityscapes; SAM-HQ's takes more.

    Args:
        segmenter: config of the segmenter.
        folder: of the cache on disk; None keeps it in memory, for this run.
        max_gib: size up to which it grows, over all processes.

    Raises:
        ValueError: the segmenter's embeddings cannot be kept.
    """

    def __init__(
        self,
        segmenter: dict,
        folder: str | None = None,
        max_gib: float = 50.0,
    ) -> None:
        owner = type(self).__name__
        check_option(owner, 'segmenter', segmenter, CONFIG)
        check_option(owner, 'folder', folder, PATH.or_none())
        check_option(owner, 'max_gib', max_gib, number(above=0))
        self.segmenter = TASK_UTILS.build(segmenter)
        if type(self.segmenter).pack is BaseSegmenter.pack:
            raise ValueError(
                f'CachedSegmenter got {type(self.segmenter).__name__}, which '
                'has no pack and unpack; implement both or use it uncached.'
            )
        max_bytes, processes = max_gib * GIB, dist.get_world_size()
        if folder is None:
            self.cache = MemoryCache(max_bytes / processes)
        else:
            settings = json.dumps(self.fingerprint, sort_keys=True)
            name = hashlib.sha256(settings.encode()).hexdigest()[:16]
            self.cache = DiskCache(Path(folder) / name, max_bytes, processes)
        self._announced = 0

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`: that of the segmenter."""
        return self.segmenter.fingerprint

    @property
    def images_at_once(self) -> int:
        """See `BaseSegmenter.images_at_once`: that of the segmenter."""
        return self.segmenter.images_at_once

    def to(self, device: str | torch.device) -> CachedSegmenter:
        """See `BaseSegmenter.to`."""
        self.segmenter.to(device)
        return self

    def expect(self, num_images: int) -> None:
        """See `BaseSegmenter.expect`."""
        self._announced = num_images

    def encode(self, images: Sequence[np.ndarray]) -> list[Any]:
        """See `BaseSegmenter.encode`.

        A new embedding is returned as it will be read, so that a run gives
        the same masks whether it finds the cache filled or not.
        """
        keys = [_key(image) for image in images]
        kept = [self.cache.get(key) for key in keys]
        missing = [i for i, tensors in enumerate(kept) if tensors is None]
        anew = [images[i] for i in missing]
        encoded = self.segmenter.encode(anew) if anew else []
        for index, embedding in zip(missing, encoded):
            kept[index] = self.segmenter.pack(embedding)
            self._announce(kept[index])
            self.cache.put(keys[index], kept[index])
        return [self.segmenter.unpack(tensors) for tensors in kept]

    def decode(
        self, embedding: Any, prompts: Sequence[PointPrompt]
    ) -> Candidates:
        """See `BaseSegmenter.decode`."""
        return self.segmenter.decode(embedding, prompts)

    def _announce(self, tensors: dict[str, torch.Tensor]) -> None:
        """Says once in a round what the cache will take, before it fills."""
        if not self._announced:
            return
        size = sum(t.numel() * t.element_size() for t in tensors.values())
        need, room = size * self._announced, self.cache.room()
        place = getattr(self.cache, 'folder', 'in memory')
        print_log(
            f'Embedding cache {place}: {self._announced} images of about '
            f'{size / 2**20:.1f} MiB take {need / GIB:.1f} GiB at the most, '
            f'and this process has room for {max(room, 0) / GIB:.1f} GiB'
            + ('; the rest is encoded anew.' if need > room else '.'),
            logger='current',
            level=logging.WARNING if need > room else logging.INFO,
        )
        self._announced = 0


def _key(image: np.ndarray) -> str:
    """Name of an image by what it shows."""
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(np.ascontiguousarray(image))
    return digest.hexdigest()
