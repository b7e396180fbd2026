"""A segmenter that cuts its masks from dense labels, with SAM's errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from skimage.measure import label as label_regions

from mmseg_sesam.core.candidates import MaskCandidates
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters import BaseSegmenter

# Shares of an object that its part and its larger part have, at random
# between the two numbers.
PARTS = ((0.1, 0.35), (0.4, 0.75))
# Share of masks with each error; a mask has one of them at most.
ERRORS: dict[str, float] = {
    'merged': 0.08,
    'hole': 0.08,
    'half': 0.08,
    'beside': 0.08,
}
# Standard deviation of the predicted IoU about the true one.
SCORE_NOISE = 0.08
# Pixels over which the displacement of outlines is smooth.
SMOOTH = 8


class SimulatedSAM(BaseSegmenter):
    """Returns three masks for each prompt, cut from a dense label.

    The masks are a part, a larger part and the whole of the object under
    the prompt, an 8-connected component of the dense label. Outlines are
    moved by a smooth random field, and some masks have an error that SAM is
    known for: two objects in one mask, a hole, half of the object, or the
    background beside it; without errors the masks are nested. Masks depend
    on the points alone, so a prompt gets the same masks whenever it is
    decoded. All numbers are our choice: SAM's own rates differ from domain
    to domain.

    Args:
        dense: (H, W) uint8 dense label of the one image that is segmented.
        sigma: standard deviation of the outlines' displacement, in pixels.
        seed: seed of all random choices.
        errors: share of masks with each error, by its name in `ERRORS`.
    """

    def __init__(
        self,
        dense: np.ndarray,
        sigma: float = 1.0,
        seed: int = 0,
        errors: Mapping[str, float] = ERRORS,
    ) -> None:
        self.dense, self.sigma, self.seed = dense, sigma, seed
        self.errors = dict(errors)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`."""
        return dict(
            type=type(self).__name__,
            sigma=self.sigma,
            seed=self.seed,
            errors=self.errors,
        )

    def encode(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the number of the object at each pixel, (H, W) integers."""
        # Void areas are objects too: background of label 0 would be none.
        objects = label_regions(self.dense.astype(int) + 1, connectivity=2)
        return [objects for _ in images]

    def decode(
        self, embedding: np.ndarray, prompts: Sequence[PointPrompt]
    ) -> MaskCandidates:
        """Returns three masks for each prompt."""
        made = [self._decode_one(embedding, prompt) for prompt in prompts]
        return MaskCandidates(*map(np.stack, zip(*made)))

    def _decode_one(
        self, objects: np.ndarray, prompt: PointPrompt
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns (3, H, W) masks and (3,) scores."""
        last = np.array(objects.shape[::-1]) - 1
        points = np.clip(np.rint(prompt.points), 0, last).astype(int)
        rng = np.random.default_rng([self.seed, *points[0], len(points)])
        ids = np.unique(objects[points[:, 1], points[:, 0]])
        whole = np.isin(objects, ids)
        levels = [*_cut_parts(whole, points, rng), whole]
        displaced = _displace(np.stack(levels), self.sigma, rng)
        masks = [
            _spoil(mask, whole, objects, points, self.errors, rng)
            for mask in displaced
        ]
        overlap = [
            np.count_nonzero(mask & level) / np.count_nonzero(mask | level)
            if mask.any()
            else 0.0
            for mask, level in zip(masks, levels)
        ]
        noise = rng.normal(0, SCORE_NOISE, len(masks))
        return np.stack(masks), np.clip(overlap + noise, 0, 1)


def _cut_parts(
    whole: np.ndarray, points: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """Returns a part and a larger part, the pixels nearest the points."""
    sources = np.ones(whole.shape, np.uint8)
    sources[points[:, 1], points[:, 0]] = 0
    distance = cv2.distanceTransform(sources, cv2.DIST_L2, 5)
    # Ragged on purpose: parts follow what is in the image, not circles.
    coarse = np.array(whole.shape) // 24 + 2
    field = rng.normal(0, 1, coarse).astype(np.float32)
    field = cv2.resize(field, whole.shape[::-1], interpolation=cv2.INTER_CUBIC)
    distance = distance * np.exp(0.5 * field)
    inside = distance[whole]
    return [
        whole & (distance <= np.quantile(inside, rng.uniform(*share)))
        for share in PARTS
    ]


def _displace(
    masks: np.ndarray, sigma: float, rng: np.random.Generator
) -> np.ndarray:
    """Returns (n, H, W) masks with outlines moved by one random field."""
    height, width = masks.shape[1:]
    coarse = (height // SMOOTH + 2, width // SMOOTH + 2)
    # Interpolation between the numbers lowers their standard deviation.
    noise = rng.normal(0, 1.25 * sigma, (2, *coarse)).astype(np.float32)
    down, right = (
        cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
        for part in noise
    )
    cols, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return np.stack(
        [
            cv2.remap(
                mask.astype(np.uint8),
                cols + right,
                rows + down,
                cv2.INTER_NEAREST,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for mask in masks
        ]
    ).astype(bool)


def _spoil(
    mask: np.ndarray,
    whole: np.ndarray,
    objects: np.ndarray,
    points: np.ndarray,
    errors: Mapping[str, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Returns a (H, W) mask with one of the errors, or as it was.

    A part that its own object surrounds is halved in the place of an error
    that needs something else beside it.
    """
    draw = rng.random()
    pixels = np.argwhere(mask)
    if not len(pixels):
        return mask
    radius = 0.25 * np.sqrt(len(pixels))
    rows, cols = np.ogrid[: mask.shape[0], : mask.shape[1]]
    outside = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    # What is left of the object itself would be no error.
    outside = (outside > 0) & ~mask & ~whole
    for name, rate in errors.items():
        if draw >= rate:
            draw -= rate
            continue
        if name in ('merged', 'beside') and not outside.any():
            name = 'half'
        if name == 'merged':
            return mask | (objects == rng.choice(objects[outside]))
        if name == 'half':
            angle = rng.uniform(0, 2 * np.pi)
            centre = pixels.mean(axis=0)
            side = (rows - centre[0]) * np.sin(angle)
            side = side + (cols - centre[1]) * np.cos(angle)
            col, row = points[0]
            return mask & ((side > 0) == (side[row, col] > 0))
        centres = pixels if name == 'hole' else np.argwhere(outside)
        row, col = centres[rng.integers(len(centres))]
        blob = np.hypot(rows - row, cols - col) < radius
        return mask & ~blob if name == 'hole' else mask | blob
    return mask
