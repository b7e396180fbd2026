"""The interface between a segmenter and the selection of its masks."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Candidates(ABC):
    """Candidate masks of P prompts, M for each prompt.

    Selecting a mask needs only its values at the labelled pixels, so `mask`
    is called for the selected masks alone.

    Attributes:
        scores: (P, M) float32 in [0, 1], the segmenter's estimate of the
            IoU of each mask.
        stability: (P, M) float32 in [0, 1], IoU of the masks at a higher
            and a lower threshold; 1 if the segmenter has no threshold.
        areas: (P, M) float32, estimated pixels of each mask.
    """

    scores: np.ndarray
    stability: np.ndarray
    areas: np.ndarray

    @abstractmethod
    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """Returns (p, M, N) bool, the values of masks at pixels.

        Args:
            rows: (N,) integers.
            cols: (N,) integers.
            prompts: the p prompts whose masks are looked up.
        """

    @abstractmethod
    def mask(self, prompt: int, index: int) -> np.ndarray:
        """Returns mask `index` of a prompt, (H, W) bool."""


class MaskCandidates(Candidates):
    """Candidates that are held as full-size masks.

    Args:
        masks: (P, M, H, W) bool.
        scores: (P, M) float in [0, 1].
        stability: (P, M) float in [0, 1]; 1 by default.

    Raises:
        ValueError: the shapes of masks and scores do not agree.

    Example:
        >>> masks = np.zeros((1, 3, 4, 5), bool)
        >>> masks[0, 2, :2] = True
        >>> MaskCandidates(masks, np.full((1, 3), 0.9)).areas
        array([[ 0.,  0., 10.]], dtype=float32)
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
        self.stability = np.asarray(
            np.ones_like(scores) if stability is None else stability, 'float32'
        )
        self.areas = masks.sum(axis=(2, 3)).astype('float32')

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`."""
        masks = self._masks[prompts]
        # One index is much faster than two. 'clip' lets masks of a wrong
        # size pass; the selector rejects them when they are drawn.
        pixels = rows * masks.shape[3] + cols
        # reshape(-1) fails where there are no candidates.
        flat = masks.reshape(*masks.shape[:2], -1 if masks.size else 1)
        return flat.take(pixels, axis=2, mode='clip')

    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        return self._masks[prompt, index]
