"""The 8-bit colours in which segmenters and pictures show an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmseg_sesam.core.bands import row_bands

# Pixels of a channel from which percentiles are estimated (our choice).
_PERCENTILE_PIXELS = 2**20


@dataclass(frozen=True)
class ImageView:
    """Which channels of an image are red, green and blue, and their ranges.

    Attributes:
        channels: channels shown as red, green and blue; one is shown as grey.
        low: for each of them the value that is black.
        high: for each of them the value that is white.

    Example:
        >>> image = np.array([[[0, 500, 1000, 7]]], np.uint16)
        >>> ImageView.of(image, (2, 1, 0), (0, 1000))(image).tolist()
        [[[255, 128, 0]]]
    """

    channels: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(
        cls,
        image: np.ndarray,
        channels: Sequence[int],
        value_range: Sequence | None = None,
        percentiles: Sequence[float] | None = None,
    ) -> ImageView:
        """Returns the view of an (H, W, C) image.

        Args:
            image: values of any type; undefined ones are left out of
                percentiles.
            channels: see `ImageView`.
            value_range: black and white, one pair of numbers or one for each
                of the channels.
            percentiles: percentiles of each channel that are black and
                white, in place of `value_range`.
        """
        if percentiles is None:
            pairs = np.broadcast_to(value_range, (len(channels), 2))
        else:
            pairs = [_spread(image[..., c], percentiles) for c in channels]
        low, high = np.transpose(pairs).astype(float).tolist()
        # A channel of one value is black.
        high = [b if b > a else a + 1.0 for a, b in zip(low, high)]
        return cls(tuple(channels), tuple(low), tuple(high))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns an (H, W, C) image as (H, W, 3) uint8 in RGB.

        Values outside the range are clipped, undefined ones are black.
        """
        shown = np.empty((*image.shape[:2], 3), np.uint8)
        for rows in row_bands(image.shape):
            part = np.moveaxis(image[rows], -1, 0)
            planes = self.scale(part.astype(np.float32, copy=False))
            colours = np.nan_to_num(np.stack(planes, axis=-1))
            shown[rows] = (colours.clip(0, 1) * 255).round()
        return shown

    def scale(self, planes: Any) -> list:
        """Returns the channels shown, with black at 0 and white at 1.

        Args:
            planes: (C, ...) float array or tensor.
        """
        return [
            (planes[channel] - low) / (high - low)
            for channel, low, high in zip(self.channels, self.low, self.high)
        ]


def _spread(plane: np.ndarray, percentiles: Sequence[float]) -> np.ndarray:
    """Returns percentiles of the finite values of a (H, W) channel."""
    step = int(np.ceil(np.sqrt(plane.size / _PERCENTILE_PIXELS)))
    values = plane[::step, ::step].astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return np.array([0.0, 1.0])
    return np.percentile(values, percentiles)
