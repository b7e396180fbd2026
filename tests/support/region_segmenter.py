"""A segmenter of known masks, and images in tiles that it segments."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters import (
    BaseSegmenter,
    MaskCandidates,
    TiledSegmenter,
)

TILE, OVERLAP = 64, 16


class RegionSegmenter(BaseSegmenter):
    """Masks of the connected regions of one grey value with the points.

    Of three masks the second has all regions, the first one row less at
    each edge of the tile, as segmenters are unsure there, and the third is
    the whole image.
    """

    fingerprint = dict(type='RegionSegmenter')

    def __init__(self):
        self.encoded = []

    def encode(self, images):
        self.encoded += [image.shape for image in images]
        return [image[..., 0] for image in images]

    def decode(self, embedding, prompts):
        masks = np.zeros((len(prompts), 3, *embedding.shape), bool)
        masks[:, 2] = True
        for own, (points,) in zip(masks, prompts):
            for x, y in points.astype(int):
                alike = (embedding == embedding[y, x]).astype(np.uint8)
                regions = cv2.connectedComponents(alike)[1]
                own[1] |= regions == regions[y, x]
            own[0, 1:-1, 1:-1] = own[1, 1:-1, 1:-1]
        return MaskCandidates(masks, np.tile([0.9, 0.8, 0.1], (len(masks), 1)))

    def pack(self, embedding):
        import torch

        return dict(grey=torch.from_numpy(np.ascontiguousarray(embedding)))

    def unpack(self, tensors):
        return tensors['grey'].numpy()


def tiled(inner='RegionSegmenter', **options) -> TiledSegmenter:
    options = dict(dict(tile=TILE, overlap=OVERLAP), **options)
    return TiledSegmenter(dict(type=inner), **options)


def prompt(*points) -> PointPrompt:
    return PointPrompt(np.array(points, np.float32))


def grey(shape) -> np.ndarray:
    return np.zeros((*shape, 3), np.uint8)


def disc(shape, row, col, radius) -> np.ndarray:
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, cols - col) <= radius


def masks_of(segmenter, image, *prompts) -> np.ndarray:
    candidates = segmenter.decode(segmenter.encode([image])[0], list(prompts))
    masks = [
        [candidates.mask(p, i) for i in range(3)] for p in range(len(prompts))
    ]
    # All that is known of a mask without drawing it agrees with it.
    rows, cols = (g.ravel() for g in np.indices(image.shape[:2]))
    inside = candidates.contains(rows, cols, slice(None))
    np.testing.assert_array_equal(
        inside.reshape(len(prompts), 3, *image.shape[:2]), masks
    )
    for place, own in enumerate(masks):
        box = candidates.window(slice(place, place + 1))
        held = [np.sum(mask[box[0] : box[2], box[1] : box[3]]) for mask in own]
        assert held == [np.sum(mask) for mask in own]
    areas = np.sum(masks, axis=(2, 3))
    np.testing.assert_allclose(candidates.areas, areas, rtol=0.15, atol=20)
    return np.array(masks)
