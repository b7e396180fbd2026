"""Regions of homogeneous colour as candidate masks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from mmseg.registry import TASK_UTILS
from scipy.ndimage import find_objects
from skimage.segmentation import felzenszwalb

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.tiles import Box, unite
from mmseg_sesam.segmenters.base import BaseSegmenter
from mmseg_sesam.segmenters.superpixel import partition

# Raise it whenever the same settings give other masks or embeddings.
MASK_VERSION = 3

# Larger images are reduced to about this size first, which bounds the time
# and keeps scales comparable (our choice).
MAX_PIXELS = 2**18

# Values of the image that is cut, in [0, 1], are raised to this power: below 1
# it raises the contrast in the dark, where edges are faint (our choice).
GAMMA = 0.6
_BRIGHTENED = (np.linspace(0, 1, 256) ** GAMMA * 255).round().astype(np.uint8)

# Scales of the three partitions, fine to coarse, see
# `skimage.segmentation.felzenszwalb` (our choice).
SCALES = (50, 250, 600)

# For each scale the side of its working image as a share of the image's, and
# the fewest pixels of a region there (our choice: large regions are found as
# well on half the resolution, in a quarter of the time).
RESOLUTIONS = (0.7, 0.5, 0.5)
MIN_SIZES = (10, 15, 25)

# For each scale, how likely a region is a whole object (our choice).
WHOLENESS = (0.5, 0.7, 0.9)


class Regions(NamedTuple):
    """An image cut into regions at three scales.

    Attributes:
        leaf: (h, w) int32, the leaf of each pixel of the reduced image, R
            leaves in all. Pixels of one leaf are in one region at every
            scale.
        rows: (H,) int32, the row of `leaf` for each row of the image.
        cols: (W,) int32, its column for each column of the image.
        areas: (R,) float32 pixels of each leaf.
        parents: (3, R) integers, the region that each leaf belongs to, at
            the scales from fine to coarse.
        scores: for each scale (regions,) float32 in [0, 1], see
            `measure_contrast`.
    """

    leaf: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    areas: np.ndarray
    parents: np.ndarray
    scores: list[np.ndarray]

    def leaves(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Returns the leaves of (N,) pixels of the image."""
        return self.leaf[self.rows[rows], self.cols[cols]]


class RegionCandidates(Candidates):
    """Candidates that are unions of leaves, (P, 3, R) bool in `table`."""

    def __init__(
        self, regions: Regions, table: np.ndarray, scores: np.ndarray
    ) -> None:
        self._regions = regions
        self._table = table
        self.scores = scores
        self.areas = table @ regions.areas

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`."""
        leaves = self._regions.leaves(rows, cols)
        return self._table[prompts].take(leaves, axis=2)

    def window(self, prompts: slice) -> Box:
        """See `Candidates.window`."""
        held = self._table[prompts].any(axis=(0, 1))
        box = unite(self._boxes[held])
        # The rows and columns of the image that show those of the box.
        rows = np.searchsorted(self._regions.rows, box[::2])
        cols = np.searchsorted(self._regions.cols, box[1::2])
        return rows[0], cols[0], rows[1], cols[1]

    @cached_property
    def _boxes(self) -> np.ndarray:
        """(R, 4) box of each leaf in the reduced image."""
        return np.array(
            [
                [rows.start, cols.start, rows.stop, cols.stop]
                for rows, cols in find_objects(self._regions.leaf + 1)
            ]
        )

    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        leaf, rows, cols = self._regions[:3]
        mask = self._table[prompt, index].take(leaf)
        if mask.shape == (len(rows), len(cols)):
            return mask
        return mask[rows].take(cols, axis=1)


@TASK_UTILS.register_module()
class SuperpixelSegmenter(BaseSegmenter):
    """Returns regions of homogeneous colour as masks.

    It needs neither weights nor a GPU, and is the baseline for learned
    segmenters. Each prompt gets three nested masks, the regions
    of its points at three scales. Source of the regions:
    Felzenszwalb and Huttenlocher, Efficient Graph-Based Image Segmentation,
    2004; joining three scales, the treatment of blurred edges, the scores and
    every number are our choice.
    """

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`."""
        return dict(type=type(self).__name__, version=MASK_VERSION)

    def encode(self, images: Sequence[np.ndarray]) -> list[Regions]:
        """See `BaseSegmenter.encode`."""
        return [self._cut(image) for image in images]

    def decode(
        self, embedding: Regions, prompts: Sequence[PointPrompt]
    ) -> RegionCandidates:
        """Returns the candidates of prompts on one image.

        Each prompt has three candidates, from small to large: the union of the
        next smaller mask and of the regions of all points. The leaves of the
        points are always inside.
        """
        _, _, _, areas, parents, scores = embedding
        points = [prompt.points for prompt in prompts]
        owners = np.repeat(np.arange(len(prompts)), [*map(len, points)])
        touched = _leaves_of(np.concatenate(points), embedding)
        mask = np.zeros((len(prompts), len(areas)), bool)
        mask[owners, touched] = True
        masks, quality = [], []
        for parent, score in zip(parents, scores):
            inside = np.zeros((len(prompts), len(score)), bool)
            inside[owners, parent[touched]] = True
            quality.append(inside @ score / np.count_nonzero(inside, axis=1))
            mask = mask | inside[:, parent]
            masks.append(mask)
        return RegionCandidates(
            embedding,
            np.stack(masks, axis=1),
            np.stack(quality, axis=1).astype(np.float32),
        )

    def pack(self, embedding: Regions) -> dict[str, torch.Tensor]:
        """See `BaseSegmenter.pack`."""
        arrays = embedding._asdict()
        for level, scores in enumerate(arrays.pop('scores')):
            arrays[f'scores_{level}'] = scores
        return {
            name: torch.from_numpy(np.ascontiguousarray(array))
            for name, array in arrays.items()
        }

    def unpack(self, tensors: dict[str, torch.Tensor]) -> Regions:
        """See `BaseSegmenter.unpack`."""
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        scores = [arrays.pop(f'scores_{level}') for level in range(3)]
        return Regions(scores=scores, **arrays)

    def _cut(self, image: np.ndarray) -> Regions:
        """Returns an image as regions at all scales."""
        height, width = image.shape[:2]
        shrink = min(np.sqrt(MAX_PIXELS / (height * width)), 1.0)
        base = partition.resize(_BRIGHTENED[image], shrink)
        changes = partition.colour_changes(base)
        scales = []
        for scale, resolution, min_size in zip(SCALES, RESOLUTIONS, MIN_SIZES):
            small = partition.resize(base, resolution)
            regions = felzenszwalb(small, scale, sigma=0.5, min_size=min_size)
            regions = partition.enlarge(regions, base.shape)
            regions = partition.dissolve_ramps(regions, *changes)
            scales.append(partition.sharpen(base, regions))
        codes = np.zeros(base.shape[:2], np.int64)
        for regions in scales:
            codes = codes * (regions.max() + 1) + regions
        _, first, leaf = np.unique(
            codes, return_index=True, return_inverse=True
        )
        leaf = leaf.reshape(codes.shape)
        parents = np.stack([regions.ravel()[first] for regions in scales])
        contrasts = partition.measure_contrast(base, leaf, parents)
        # The reduced image alone: of a large one, most pixels are copies.
        rows, cols = (
            partition.enlarge(np.arange(small)[:, None], (large, 1))[:, 0]
            for small, large in zip(leaf.shape, image.shape)
        )
        copies = np.outer(np.bincount(rows), np.bincount(cols))
        areas = np.bincount(leaf.ravel(), copies.ravel(), len(first))
        scores = [w * c for w, c in zip(WHOLENESS, contrasts)]
        return Regions(
            leaf=leaf.astype(np.int32),
            rows=rows,
            cols=cols,
            areas=areas.astype(np.float32),
            parents=parents,
            scores=scores,
        )


def _leaves_of(points: np.ndarray, regions: Regions) -> np.ndarray:
    """Returns the leaves of (K, 2) points (x, y), clipped to the image."""
    last = np.array([len(regions.cols), len(regions.rows)]) - 1
    cols, rows = np.clip(np.rint(points).astype(int), 0, last).T
    return regions.leaves(rows, cols)
