"""Scribbles: a smooth stroke along the middle of an object."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mmseg_sesam.core.skeleton import longest_path
from mmseg_sesam.core.weak_labels.shapes import stamp

# Deviation of a stroke from the middle, as a share of the object's half width
# (our choice).
_WOBBLE = 0.25
# Distance between points of a curve in pixels; below 1, no pixel is skipped.
_STEP = 0.5


def draw_scribble(
    mask: np.ndarray, rng: np.random.Generator, share: float, width: int
) -> np.ndarray:
    """Returns the (h, w) bool stroke along the middle of an object.

    The longest path through the object's skeleton is smoothed over the
    object's half width, extended at both ends to the object's edge and
    displaced by smooth noise, as a hand wavers. The stroke is a random part
    of this curve, at most `share` of its length and at least three quarters
    of that. The procedure is our choice.
    """
    path = longest_path(mask)
    curve = _curve(path, mask, rng)
    if len(curve) == 0:
        curve = path
    length = max(round(share * rng.uniform(0.75, 1) * len(curve)), 1)
    start = rng.integers(0, len(curve) - length + 1)
    stroke = curve[start : start + length]
    return stamp(mask.shape, stroke, width) & mask


def _curve(
    path: np.ndarray, mask: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Returns the longest part of the smooth, wavering path in the object.

    (N, 2) integer pixels as (row, col); N is 0 if the object is so thin that
    the smooth path lies outside.
    """
    area = mask.sum()
    # Half width of a strip of the path's length, at most a disk's radius:
    # the skeleton of a disk is a single point.
    half_width = min(area / (2 * len(path)), (area / np.pi) ** 0.5)
    sigma = max(min(half_width, len(path) / 6), 1)
    curve = gaussian_filter1d(path.astype(float), sigma, 0, mode='nearest')
    for _ in range(2):
        curve = _extend(curve, mask, int(2 * sigma), rng)[::-1]
    curve = _resample(curve)
    scale = max(half_width, 4) / _STEP
    noise = gaussian_filter1d(rng.standard_normal(curve.shape), scale, 0)
    # The filter reduces the deviation to (2 sqrt(pi) scale) ** -0.5.
    noise *= (2 * np.sqrt(np.pi) * scale) ** 0.5
    curve = np.rint(curve + _WOBBLE * half_width * noise).astype(int)
    return _longest_run(curve, _inside(curve, mask))


def _extend(
    curve: np.ndarray, mask: np.ndarray, reach: int, rng: np.random.Generator
) -> np.ndarray:
    """Extends a curve straight from its last point to the mask's edge."""
    direction = curve[-1] - curve[-min(reach, len(curve))]
    if not direction.any():
        direction = rng.standard_normal(2)
    direction = direction / np.hypot(*direction)
    steps = np.arange(1, sum(mask.shape))[:, None]
    onwards = curve[-1] + steps * direction
    outside = ~_inside(np.rint(onwards).astype(int), mask)
    return np.concatenate([curve, onwards[: outside.argmax()]])


def _resample(curve: np.ndarray) -> np.ndarray:
    """Returns points at equal distances along a curve, with both ends."""
    steps = np.hypot(*np.diff(curve, axis=0).T)
    along = np.concatenate([[0], steps.cumsum()])
    places = np.linspace(0, along[-1], int(np.ceil(along[-1] / _STEP)) + 1)
    return np.stack([np.interp(places, along, axis) for axis in curve.T], 1)


def _inside(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Returns (N,) bool, which of the (N, 2) pixels lie in a mask."""
    within = ((pixels >= 0) & (pixels < mask.shape)).all(axis=1)
    clipped = np.where(within[:, None], pixels, 0)
    return within & mask[clipped[:, 0], clipped[:, 1]]


def _longest_run(curve: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Returns the longest part of a curve whose points are all kept."""
    edges = np.flatnonzero(np.diff(keep, prepend=False, append=False))
    starts, stops = edges[::2], edges[1::2]
    if len(starts) == 0:
        return curve[:0]
    longest = (stops - starts).argmax()
    return curve[starts[longest] : stops[longest]]
