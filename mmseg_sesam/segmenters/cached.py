"""A segmenter that reads embeddings from a cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.tiles import TileGrid
from mmseg_sesam.io.json_values import json_digest
from mmseg_sesam.segmenters.base import (
    BaseSegmenter,
    Candidates,
    json_fingerprint,
)
from mmseg_sesam.segmenters.embedding_cache import GIB, DiskCache, MemoryCache
from mmseg_sesam.validators import CONFIG, PATH, check_option, number


@TASK_UTILS.register_module()
class CachedSegmenter(BaseSegmenter):
    """Stores the embeddings of another segmenter from round to round.

    An embedding is identified by the bytes of its image and the fingerprint
    of the segmenter (settings, checksum of the weights). SAM's takes 2 MiB,
    which is about 21 GiB for the 10 582 images of VOC and 6 GiB for the 2975
    of Cityscapes; SAM 2.1's takes 8 MiB, SAM 3's 10 MiB, and SAM-HQ's 8 MiB
    (ViT-B) to 12 MiB (ViT-H).

    Args:
        segmenter: config of the segmenter.
        folder: folder of the cache, on a disk of which a tenth of the free
            space, at least 1 GiB, is left to rounds and checkpoints; None
            stores it in memory, for this run, as long as the machine has
            more than 2 GiB left.
        max_gib: largest size in GiB of this segmenter's embeddings, of all
            processes together. Those of other segmenters and settings, which
            `folder` has in folders of their own, are not counted. Raise it if
            a warning says that the images do not fit.

    Raises:
        ValueError: the segmenter has no `pack` and `unpack`, or its
            fingerprint holds other values than JSON has.

    Example:
        >>> segmenter = CachedSegmenter(dict(type='SuperpixelSegmenter'))
        >>> image = np.zeros((20, 30, 3), np.uint8)
        >>> for _ in range(2):  # The second call reads the cache.
        ...     (regions,) = segmenter.encode([image])
        >>> regions.leaf.shape
        (20, 30)
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
                'has no pack and unpack; implement both or use it uncached. '
                'A TiledSegmenter takes the CachedSegmenter inside.'
            )
        max_bytes, processes = max_gib * GIB, dist.get_world_size()
        if folder is None:
            # Launchers that do not say it may run all on this machine.
            local = int(os.environ.get('LOCAL_WORLD_SIZE', processes))
            self.cache = MemoryCache(max_bytes / processes, local)
        else:
            name = json_digest(json_fingerprint(self.segmenter))[:16]
            self.cache = DiskCache(Path(folder) / name, max_bytes, processes)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Fingerprint of the segmenter."""
        return self.segmenter.fingerprint

    @property
    def images_at_once(self) -> int:
        """Number of threads of the segmenter."""
        return self.segmenter.images_at_once

    def to(self, device: str | torch.device) -> CachedSegmenter:
        """See `BaseSegmenter.to`."""
        self.segmenter.to(device)
        return self

    def tiles(self, shape: tuple[int, int]) -> TileGrid:
        """Tiles of the segmenter."""
        return self.segmenter.tiles(shape)

    def encode(self, images: Sequence[np.ndarray]) -> list[Any]:
        """See `BaseSegmenter.encode`.

        A new embedding is packed and unpacked too, so that masks are the
        same whether the cache has the image or not.
        """
        keys = [_digest(image) for image in images]
        packed = [self.cache.get(key) for key in keys]
        missing = [i for i, tensors in enumerate(packed) if tensors is None]
        if missing:
            encoded = self.segmenter.encode([images[i] for i in missing])
            for index, embedding in zip(missing, encoded):
                packed[index] = self.segmenter.pack(embedding)
                self.cache.put(keys[index], packed[index])
        return [self.segmenter.unpack(tensors) for tensors in packed]

    def decode(
        self, embedding: Any, prompts: Sequence[PointPrompt]
    ) -> Candidates:
        """See `BaseSegmenter.decode`."""
        return self.segmenter.decode(embedding, prompts)


def _digest(image: np.ndarray) -> str:
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(np.ascontiguousarray(image))
    return digest.hexdigest()
