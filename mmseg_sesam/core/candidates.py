"""The interface between a segmenter and the selection of its masks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.tiles import Box


class MaskCrop(NamedTuple):
    """A mask without the empty rows and columns around it.

    Attributes:
        row: first row of the crop in the image.
        col: first column of the crop in the image.
        mask: (h, w) bool; (0, 0) if the mask is empty.
        shape: (H, W) of the image.

    Example:
        >>> whole = np.zeros((4, 5), bool)
        >>> whole[2, 1:3] = True
        >>> crop = MaskCrop.of(whole)
        >>> crop.row, crop.col, crop.mask.tolist()
        (2, 1, [[True, True]])
        >>> bool((crop.whole() == whole).all())
        True
    """

    row: int
    col: int
    mask: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(
        cls,
        mask: np.ndarray,
        origin: tuple[int, int] = (0, 0),
        shape: tuple[int, int] | None = None,
    ) -> MaskCrop:
        """Crops a (h, w) bool mask.

        Args:
            mask: a part of the image, outside of which the mask is empty.
            origin: row and column of the part in the image.
            shape: (H, W) of the image; by default that of `mask`.
        """
        shape = mask.shape if shape is None else shape
        rows = np.flatnonzero(mask.any(axis=1))
        if not len(rows):
            return cls(0, 0, np.zeros((0, 0), bool), shape)
        # A wide mask is often empty in most of its rows.
        inside = mask[rows[0] : rows[-1] + 1]
        cols = np.flatnonzero(inside.any(axis=0))
        crop = inside[:, cols[0] : cols[-1] + 1].copy()
        row, col = origin[0] + int(rows[0]), origin[1] + int(cols[0])
        return cls(row, col, crop, shape)

    @classmethod
    def union(cls, crops: Sequence[MaskCrop]) -> MaskCrop:
        """Returns the union of one or more masks of an image."""
        filled = [crop for crop in crops if crop.mask.size]
        if len(filled) < 2:
            return (filled or list(crops))[0]
        row0, col0, row1, col1 = zip(*(crop.box for crop in filled))
        origin = min(row0), min(col0)
        mask = np.zeros((max(row1) - origin[0], max(col1) - origin[1]), bool)
        for crop in filled:
            crop.paste(mask, origin)
        return cls(*origin, mask, filled[0].shape)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(row0, col0, row1, col1) in the image, half open."""
        height, width = self.mask.shape
        return self.row, self.col, self.row + height, self.col + width

    def check_size(self, shape: tuple[int, int]) -> None:
        """Raises ValueError if the image of the mask has another (H, W)."""
        if self.shape != shape:
            raise ValueError(
                f'The segmenter drew a mask of {self.shape} pixels (height, '
                f'width), expected {shape}, the size of the image; correct '
                'its `Candidates.mask`.'
            )

    def paste(
        self, canvas: np.ndarray, origin: tuple[int, int] = (0, 0)
    ) -> None:
        """Sets its pixels in a (h, w) bool part of the image.

        Args:
            canvas: the part.
            origin: row and column of the part in the image.
        """
        row, col = self.row - origin[0], self.col - origin[1]
        mask = self.mask[max(-row, 0) :, max(-col, 0) :]
        window = canvas[max(row, 0) :, max(col, 0) :]
        height, width = map(min, mask.shape, window.shape)
        window[:height, :width] |= mask[:height, :width]

    def whole(self) -> np.ndarray:
        """Returns the mask at the size of the image, (H, W) bool."""
        canvas = np.zeros(self.shape, bool)
        self.paste(canvas)
        return canvas


class Candidates(ABC):
    """Candidate masks of P prompts, M for each prompt.

    Selecting a mask needs only its values at the labelled pixels, so `mask`
    is called for the selected masks alone.

    Attributes:
        scores: (P, M) float32 in [0, 1], the segmenter's estimate of the
            IoU of each mask.
        areas: (P, M) float32, estimated pixels of each mask.
    """

    scores: np.ndarray
    areas: np.ndarray

    def check_number(self, prompts: int) -> None:
        """Raises ValueError if the candidates are of more or fewer prompts."""
        if len(self.scores) != prompts:
            raise ValueError(
                f'The segmenter returned candidates of {len(self.scores)} '
                f'prompts, expected {prompts}, those of each prompt in one '
                'row; correct its `decode`.'
            )

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

    def window(self, prompts: slice) -> Box | None:
        """Returns a box that holds all masks of some prompts.

        (row0, col0, row1, col1) in pixels, half open; it may be larger than
        the masks, and None stands for the whole image. In a label with many
        components, those outside the box are not looked up. Override it where
        the box is known: an image may have thousands of small masks.

        Args:
            prompts: the prompts.
        """
        return None

    @abstractmethod
    def mask(self, prompt: int, index: int) -> np.ndarray:
        """Returns mask `index` of a prompt, (H, W) bool."""

    def crop(self, prompt: int, index: int) -> MaskCrop:
        """Returns mask `index` of a prompt, cropped.

        Pseudo-labels are made of crops. Override it where `mask` takes more
        memory than a crop, as on a large image.
        """
        return MaskCrop.of(self.mask(prompt, index))


class MaskCandidates(Candidates):
    """Candidates that are held as full-size masks.

    Args:
        masks: (P, M, H, W) bool.
        scores: (P, M) float in [0, 1].

    Raises:
        ValueError: the shapes of masks and scores do not agree.

    Example:
        >>> masks = np.zeros((1, 3, 4, 5), bool)
        >>> masks[0, 2, :2] = True
        >>> MaskCandidates(masks, np.full((1, 3), 0.9)).areas
        array([[ 0.,  0., 10.]], dtype=float32)
    """

    def __init__(self, masks: np.ndarray, scores: np.ndarray) -> None:
        masks, scores = np.asarray(masks, bool), np.asarray(scores, 'float32')
        if masks.ndim != 4 or masks.shape[:2] != scores.shape:
            raise ValueError(
                f'MaskCandidates got masks {masks.shape} and scores '
                f'{scores.shape}, expected (P, M, H, W) and (P, M).'
            )
        self._masks = masks
        self.scores = scores
        self.areas = masks.sum(axis=(2, 3)).astype('float32')

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`."""
        masks = self._masks[prompts]
        # One index is much faster than two. 'clip' lets masks of a wrong
        # size pass; `draw_unions` raises if one of them is selected.
        pixels = rows * masks.shape[3] + cols
        # reshape(-1) fails where there are no candidates.
        flat = masks.reshape(*masks.shape[:2], -1 if masks.size else 1)
        return flat.take(pixels, axis=2, mode='clip')

    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        return self._masks[prompt, index]
