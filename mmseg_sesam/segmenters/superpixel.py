"""A hierarchy of image regions that answers point prompts."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import cv2
import numpy as np
from mmseg.registry import TASK_UTILS
from skimage.segmentation import felzenszwalb

from mmseg_sesam.core.prompts import PointPrompt

from .base import BaseSegmenter, Candidates

# Raised whenever the same settings come to give other regions.
_VERSION = 1


class RegionHierarchy(NamedTuple):
    """Nested partitions of an image.

    Attributes:
        leaf: (H, W) int32, the finest region of each pixel, from 0 on.
        parents: (L, R) integers, for each level the region that each of
            the R leaves belongs to; levels go from fine to coarse, and
            regions of one level lie within regions of the next.
        areas: (R,) pixels of each leaf.
        scores: for each level (regions,) float32 in [0, 1], how strongly
            a region stands out from its surroundings.
    """

    leaf: np.ndarray
    parents: np.ndarray
    areas: np.ndarray
    scores: list[np.ndarray]


class RegionCandidates(Candidates):
    """Candidates that are unions of leaves.

    Args:
        leaf: (H, W) integers, the leaf of each pixel.
        table: (P, M, R) bool, the leaves of each mask.
        areas: (R,) pixels of each leaf.
        scores: (P, M) float32 in [0, 1].
    """

    def __init__(
        self,
        leaf: np.ndarray,
        table: np.ndarray,
        areas: np.ndarray,
        scores: np.ndarray,
    ) -> None:
        self._leaf = leaf
        self._table = table
        self.scores = scores
        self.areas = (table @ areas).astype(np.float32)
        ratios = self.areas[:, :-1] / np.maximum(self.areas[:, 1:], 1)
        self.stability = np.column_stack([ratios, ratios[:, -1]])

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`."""
        return self._table[prompts][:, :, self._leaf[rows, cols]]

    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        return self._table[prompt, index][self._leaf]


@TASK_UTILS.register_module()
class SuperpixelSegmenter(BaseSegmenter):
    """Answers prompts with regions of homogeneous colour.

    It needs no weights: for tests, demonstrations and machines without a
    GPU, and as the baseline that shows what a learned segmenter adds. Each
    prompt gets three nested masks, the regions of its positive points at
    three scales. Source of the regions: Felzenszwalb and Huttenlocher,
    Efficient Graph-Based Image Segmentation, 2004; nesting their scales,
    scores and every number are our choice.

    Args:
        leaf_scale: `scale` of the finest partition, see
            `skimage.segmentation.felzenszwalb`.
        scales: of the three partitions that masks are made of, fine to
            coarse; they are found at half the leaves' resolution.
        max_pixels: larger images are reduced to about this size for the
            leaves, which bounds time and keeps scales comparable.

    Raises:
        ValueError: there are not three ascending scales.
    """

    def __init__(
        self,
        leaf_scale: float = 10,
        scales: Sequence[float] = (50, 200, 800),
        max_pixels: int = 2**18,
    ) -> None:
        self.leaf_scale = leaf_scale
        self.scales = tuple(scales)
        self.max_pixels = max_pixels
        if len(self.scales) != 3 or list(scales) != sorted(scales):
            raise ValueError(
                f'SuperpixelSegmenter got scales={self.scales}, expected '
                'three numbers in ascending order.'
            )

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`."""
        return dict(
            type=type(self).__name__,
            version=_VERSION,
            leaf_scale=self.leaf_scale,
            scales=list(self.scales),
            max_pixels=self.max_pixels,
        )

    def encode(self, images: Sequence[np.ndarray]) -> list[RegionHierarchy]:
        """See `BaseSegmenter.encode`."""
        return [self._build(image) for image in images]

    def decode(
        self, embedding: RegionHierarchy, prompts: Sequence[PointPrompt]
    ) -> RegionCandidates:
        """Answers prompts on one image.

        The mask of a level is the union of the regions that hold a
        positive point and no negative one; where there is a negative one,
        the region of the next finer level stands in. A leaf with points of
        both kinds is kept: a positive point is always in its masks.

        Args:
            embedding: of the image, from `encode`.
            prompts: P >= 1 prompts, with any numbers of points.

        Returns:
            Three candidates for each prompt, from small to large.
        """
        leaf, parents, areas, scores = embedding
        shape = (len(prompts), len(parents))
        table = np.zeros(shape + (len(areas),), bool)
        quality = np.zeros(shape, np.float32)
        for index, (points, labels) in enumerate(prompts):
            touched = _look_up(leaf, points)
            positive, negative = touched[labels == 1], touched[labels == 0]
            mask = np.zeros(len(areas), bool)
            mask[positive] = True
            for level, parent in enumerate(parents):
                regions = np.setdiff1d(parent[positive], parent[negative])
                mask |= np.isin(parent, regions)
                table[index, level] = mask
                if len(regions):
                    quality[index, level] = scores[level][regions].mean()
        return RegionCandidates(leaf, table, areas, quality)

    def _build(self, image: np.ndarray) -> RegionHierarchy:
        """Partitions an image, finest first."""
        shrink = np.sqrt(image.shape[0] * image.shape[1] / self.max_pixels)
        base = _reduce(image, max(shrink, 1.0))
        leaf = _partition(base, self.leaf_scale, min_size=10)
        halved = _reduce(base, 2.0)
        parents = [np.arange(leaf.max() + 1)]
        for scale in self.scales:
            coarse = _partition(halved, scale, min_size=scale ** 0.5)
            finer = parents[-1]
            votes = _majority(finer[leaf], _enlarge(coarse, leaf.shape))
            parents.append(votes[finer])
        parents = np.stack(parents[1:])
        scores = [_contrast(base, parent[leaf]) for parent in parents]
        leaf = _enlarge(leaf, image.shape[:2])
        areas = np.bincount(leaf.ravel(), minlength=parents.shape[1])
        return RegionHierarchy(leaf, parents, areas, scores)


def _look_up(leaf: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The leaves of (K, 2) points given as (x, y), in the image or not."""
    last = np.array(leaf.shape[::-1]) - 1
    cols, rows = np.clip(np.rint(points).astype(int), 0, last).T
    return leaf[rows, cols]


def _reduce(image: np.ndarray, factor: float) -> np.ndarray:
    """Shrinks both sides by a factor, to one pixel at the least."""
    size = [max(round(side / factor), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _enlarge(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Brings labels to a (H, W) shape, nearest neighbour."""
    size = shape[::-1]
    return cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)


def _partition(image: np.ndarray, scale: float, min_size: float) -> np.ndarray:
    """(H, W) int32 regions of homogeneous colour, numbered from 0."""
    regions = felzenszwalb(
        image, scale=scale, sigma=0.5, min_size=round(min_size)
    )
    return regions.astype(np.int32)


def _majority(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """For each fine region the coarse one that most of its pixels have.

    Args:
        fine: (H, W) regions, R of them.
        coarse: (H, W) regions.

    Returns:
        (R,) numbers of coarse regions, renumbered without gaps.
    """
    pairs, counts = np.unique(
        fine.ravel().astype(np.int64) * (coarse.max() + 1) + coarse.ravel(),
        return_counts=True,
    )
    regions, votes = np.divmod(pairs, coarse.max() + 1)
    order = np.lexsort((-counts, regions))
    _, first = np.unique(regions[order], return_index=True)
    return np.unique(votes[order][first], return_inverse=True)[1]


def _contrast(image: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """How strongly each region stands out, in [0, 1].

    The colour step across its boundary as a share of that step and the
    mean step inside of it together; 0.5 where there is no step at all.
    """
    count = regions.max() + 1
    colours = image.astype(np.float32)
    lengths, totals = np.zeros((2, 2, count))
    for axis in (0, 1):
        steps = np.linalg.norm(np.diff(colours, axis=axis), axis=2).ravel()
        one = np.delete(regions, -1, axis=axis).ravel()
        two = np.delete(regions, 0, axis=axis).ravel()
        for side in (one, two):
            for kind, chosen in enumerate((one == two, one != two)):
                met = side[chosen]
                lengths[kind] += np.bincount(met, minlength=count)
                totals[kind] += np.bincount(met, steps[chosen], count)
    inside, outside = totals / np.maximum(lengths, 1)
    contrast = (outside + 1e-6) / (outside + inside + 2e-6)
    return contrast.astype(np.float32)
