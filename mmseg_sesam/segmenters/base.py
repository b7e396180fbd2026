"""What a segmenter is: it answers point prompts with candidate masks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmseg_sesam.core.prompts import PointPrompt


class Candidates(ABC):
    """Candidate masks for P prompts, M for each.

    A mask is drawn at full size only when asked for: choosing one needs no
    more than to know which labelled pixels it holds.

    Attributes:
        scores: (P, M) float32, the segmenter's own estimate of each mask's
            IoU, in [0, 1].
        stability: (P, M) float32 in [0, 1], how little a mask changes with
            its threshold; 1 where the notion does not apply.
        areas: (P, M) float32, estimated pixels of each mask.
    """

    scores: np.ndarray
    stability: np.ndarray
    areas: np.ndarray

    @abstractmethod
    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """Tells which pixels the masks of some prompts hold.

        Args:
            rows: (N,) integers.
            cols: (N,) integers.
            prompts: which of the prompts, p of them.

        Returns:
            (p, M, N) bool.
        """

    @abstractmethod
    def mask(self, prompt: int, index: int) -> np.ndarray:
        """Draws one mask at the size of the image.

        Args:
            prompt: 0 <= prompt < P.
            index: 0 <= index < M.

        Returns:
            (H, W) bool.
        """


class MaskCandidates(Candidates):
    """Candidates that are held as full-size masks.

    Args:
        masks: (P, M, H, W) bool.
        scores: (P, M) float in [0, 1].
        stability: (P, M) float in [0, 1]; 1 by default.

    Raises:
        ValueError: shapes do not fit each other.
    """

    def __init__(
        self,
        masks: np.ndarray,
        scores: np.ndarray,
        stability: np.ndarray | None = None,
    ) -> None:
        masks, scores = np.asarray(masks, bool), np.asarray(scores, 'float32')
        if masks.ndim != 4 or masks.shape[:2] != scores.shape:
            raise ValueError(
                f'MaskCandidates got masks {masks.shape} and scores '
                f'{scores.shape}, expected (P, M, H, W) and (P, M).'
            )
        self._masks = masks
        self.scores = scores
        self.stability = (
            np.ones_like(scores)
            if stability is None
            else np.asarray(stability, 'float32')
        )
        self.areas = masks.sum(axis=(2, 3)).astype('float32')

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`."""
        masks = self._masks[prompts]
        # One index is looked up many times as fast as two.
        pixels = rows * masks.shape[3] + cols
        # Not by -1, since there may be no candidate. Masks of a wrong size
        # are refused when one is drawn.
        flat = masks.reshape(*masks.shape[:2], -1 if masks.size else 1)
        return flat.take(pixels, axis=2, mode='clip')

    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        return self._masks[prompt, index]


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
