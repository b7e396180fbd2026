"""The interface of segmenters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.tiles import TileGrid
from mmseg_sesam.io.json_values import json_values


class BaseSegmenter(ABC):
    """Returns candidate masks for point prompts on an image.

    An image is encoded once, then prompts are decoded on it. To add a
    segmenter, implement `encode`, `decode` and `fingerprint`, and register
    the class with `mmseg.registry.TASK_UTILS`: docs/add_a_segmenter.md has a
    complete example.
    """

    @property
    def images_at_once(self) -> int:
        """Number of threads that encode and decode, each its own image.

        More than one is faster if the work waits for a GPU.
        """
        return 1

    @property
    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """All that the masks depend on, as JSON values.

        Include settings and the checksum of weights: pseudo-labels made with
        another fingerprint are not reused. Include the name of the class, as
        a derived class may return other masks.
        """

    @abstractmethod
    def encode(self, images: Sequence[np.ndarray]) -> list[Any]:
        """Returns an embedding for each image, as `decode` takes it.

        Args:
            images: each (H, W, 3) uint8 in RGB; sizes may differ.
        """

    @abstractmethod
    def decode(
        self, embedding: Any, prompts: Sequence[PointPrompt]
    ) -> Candidates:
        """Returns the candidates of prompts on one image, in their order.

        Those of each prompt are one row of `Candidates.scores`.

        Args:
            embedding: embedding of the image, from `encode`.
            prompts: P >= 1 prompts, with any numbers of points.
        """

    def tiles(self, shape: tuple[int, int]) -> TileGrid:
        """Returns the tiles in which an (H, W) image is segmented.

        By default the whole image is one. A component gets points in each
        tile that it touches.
        """
        return TileGrid(shape, shape, (0,), (0,))

    def pack(self, embedding: Any) -> dict[str, torch.Tensor]:
        """Returns an embedding as CPU tensors by name, to be stored.

        `CachedSegmenter` needs `pack` and `unpack`. Tensors should be as
        small as the masks allow.
        """
        raise NotImplementedError

    def unpack(self, tensors: dict[str, torch.Tensor]) -> Any:
        """Returns the embedding that `pack` turned into tensors."""
        raise NotImplementedError

    def to(self, device: str | torch.device) -> BaseSegmenter:
        """Moves the weights to a device, and returns the segmenter."""
        return self


def json_fingerprint(segmenter: BaseSegmenter) -> dict[str, Any]:
    """Returns a segmenter's fingerprint as a JSON file gives it back.

    Raises:
        ValueError: the fingerprint holds values that JSON cannot hold.
    """
    owner = f'{type(segmenter).__name__}.fingerprint'
    return json_values(owner, segmenter.fingerprint)
