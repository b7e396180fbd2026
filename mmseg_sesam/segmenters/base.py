"""What a segmenter is: it answers point prompts with candidate masks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.prompts import PointPrompt


class BaseSegmenter(ABC):
    """Answers point prompts on an image with candidate masks.

    Images are encoded once, then asked as often as there are components.
    A user's segmenter implements `encode` and `decode`, and is registered
    with `mmseg.registry.TASK_UTILS`.
    """

    @property
    def images_at_once(self) -> int:
        """Threads that may encode and decode, each an image of its own.

        More than one pays where the work waits for a GPU.
        """
        return 1

    @property
    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """What its masks depend on, as JSON values (settings, checksum).

        Pseudo-labels made with another fingerprint are not reused.
        """

    @abstractmethod
    def encode(self, images: Sequence[np.ndarray]) -> list[Any]:
        """Prepares images for prompts.

        Args:
            images: each (H, W, 3) uint8 in RGB; sizes may differ.

        Returns:
            One embedding for each image, of a kind that `decode` takes.
        """

    @abstractmethod
    def decode(
        self, embedding: Any, prompts: Sequence[PointPrompt]
    ) -> Candidates:
        """Answers prompts on one image.

        Args:
            embedding: of the image, from `encode`.
            prompts: P >= 1 prompts, with any numbers of points.

        Returns:
            The candidates of all prompts, in their order.
        """

    def pack(self, embedding: Any) -> dict[str, torch.Tensor]:
        """Turns an embedding into tensors that can be kept.

        With `unpack` only needed by segmenters that are to be cached.

        Args:
            embedding: from `encode`.

        Returns:
            Tensors on the CPU by name, as small as the masks allow.
        """
        raise NotImplementedError

    def unpack(self, tensors: dict[str, torch.Tensor]) -> Any:
        """Makes an embedding of what `pack` gave."""
        raise NotImplementedError

    def expect(self, num_images: int) -> None:  # noqa: B027, may do nothing
        """Hears how many images will be encoded, before a round begins.

        Args:
            num_images: of this process.
        """

    def to(self, device: str | torch.device) -> BaseSegmenter:
        """Moves the weights, if it has any.

        Args:
            device: the runner's.

        Returns:
            Itself.
        """
        return self
