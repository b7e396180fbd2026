"""Regions of homogeneous colour that answer point prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from mmseg.registry import TASK_UTILS
from skimage.segmentation import felzenszwalb

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters.base import BaseSegmenter, Candidates
from mmseg_sesam.validators import (
    Rule,
    check_option,
    check_options,
    count,
    number,
)

# To be raised whenever the same settings come to give other masks.
MASK_VERSION = 2

# For each scale the side of its working image as a share of the image's,
# and the fewest pixels there of a region. Large regions are found as well on
# half the resolution, in a quarter of the time.
RESOLUTIONS = (0.7, 0.5, 0.5)
MIN_SIZES = (10, 15, 25)

# How likely a region is a whole object and not a part of one.
WHOLENESS = (0.5, 0.7, 0.9)


class Regions(NamedTuple):
    """An image cut into regions at three scales.

    Attributes:
        leaf: (H, W) int32, the leaf of each pixel, R of them; a leaf is a
            largest set of pixels that no scale tells apart.
        areas: (R,) float32 pixels of each leaf.
        parents: (3, R) integers, the region that each leaf belongs to, at
            the scales from fine to coarse.
        scores: for each scale (regions,) float32 in [0, 1], see
            `measure_contrast`.
    """

    leaf: np.ndarray
    areas: np.ndarray
    parents: np.ndarray
    scores: list[np.ndarray]


class RegionCandidates(Candidates):
    """Candidates that are unions of leaves.

    The stability of a mask is the share that it makes of the next larger
    one, of the largest what the one before makes of it.

    Args:
        regions: of the image.
        table: (P, 3, R) bool, the leaves of each mask.
        scores: (P, 3) float32 in [0, 1].
    """

    def __init__(
        self, regions: Regions, table: np.ndarray, scores: np.ndarray
    ) -> None:
        self._leaf = regions.leaf
        self._table = table
        self.scores = scores
        self.areas = table @ regions.areas
        ratios = self.areas[:, :-1] / np.maximum(self.areas[:, 1:], 1)
        self.stability = np.column_stack([ratios, ratios[:, -1]])

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`."""
        return self._table[prompts].take(self._leaf[rows, cols], axis=2)

    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        return self._table[prompt, index].take(self._leaf)


def _are_three_scales(value: Any) -> bool:
    above_zero = number(above=0)
    return (
        isinstance(value, Sequence)
        and len(value) == 3
        and all(map(above_zero.allows, value))
        and list(value) == sorted(value)
    )


_THREE_SCALES = Rule(
    _are_three_scales, 'three numbers above 0 in ascending order'
)


@TASK_UTILS.register_module()
class SuperpixelSegmenter(BaseSegmenter):
    """Answers prompts with regions of homogeneous colour.

    It needs no weights: for tests, demonstrations and machines without a
    GPU, and as the baseline that shows what a learned segmenter adds. Each
    prompt gets three nested masks, the regions of its positive points at
    three scales. Source of the regions: Felzenszwalb and Huttenlocher,
    Efficient Graph-Based Image Segmentation, 2004; joining three scales,
    what is done about blurred edges, the scores and every number are our
    choice.

    Args:
        scales: of the three partitions, fine to coarse; see
            `skimage.segmentation.felzenszwalb`.
        gamma: exponent applied to the image in [0, 1]; below 1 it brings
            out contrast in the dark, where edges are faint.
        max_pixels: larger images are reduced to about this size first,
            which bounds the time and keeps scales comparable.

    Raises:
        ValueError: there are not three ascending scales.
    """

    def __init__(
        self,
        scales: Sequence[float] = (50, 250, 600),
        gamma: float = 0.6,
        max_pixels: int = 2**18,
    ) -> None:
        check_option(type(self).__name__, 'scales', scales, _THREE_SCALES)
        self.scales = tuple(scales)
        self.max_pixels = max_pixels
        self.gamma = gamma
        check_options(self, gamma=number(above=0), max_pixels=count(1))
        levels = np.linspace(0, 1, 256) ** gamma * 255
        self._brightened = levels.round().astype(np.uint8)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`."""
        return dict(
            type=type(self).__name__,
            version=MASK_VERSION,
            scales=list(self.scales),
            gamma=self.gamma,
            max_pixels=self.max_pixels,
        )

    def encode(self, images: Sequence[np.ndarray]) -> list[Regions]:
        """See `BaseSegmenter.encode`."""
        return [self._cut(image) for image in images]

    def decode(
        self, embedding: Regions, prompts: Sequence[PointPrompt]
    ) -> RegionCandidates:
        """Answers prompts on one image.

        A mask joins to the next smaller one the regions, at its scale, of
        all positive points; regions that hold a negative point are left
        out. The leaves of the positive points are always in: only a
        negative point on the same leaf as a positive one is inside.

        Args:
            embedding: of the image, from `encode`.
            prompts: P >= 1 prompts, with any numbers of points.

        Returns:
            Three candidates for each prompt, from small to large. Without
            a positive point they are empty, with score 0.
        """
        leaf, areas, parents, scores = embedding
        owners = np.repeat(
            np.arange(len(prompts)), [len(labels) for _, labels in prompts]
        )
        touched = _leaves_of(
            np.concatenate([points for points, _ in prompts]), leaf
        )
        positive = np.concatenate([labels for _, labels in prompts]) == 1
        wanted = owners[positive], touched[positive]
        unwanted = owners[~positive], touched[~positive]
        mask = np.zeros((len(prompts), len(areas)), bool)
        mask[wanted] = True
        masks, quality = [], []
        for parent, score in zip(parents, scores):
            inside = np.zeros((len(prompts), len(score)), bool)
            inside[wanted[0], parent[wanted[1]]] = True
            number = np.maximum(np.count_nonzero(inside, axis=1), 1)
            quality.append(inside @ score / number)
            inside[unwanted[0], parent[unwanted[1]]] = False
            mask = mask | inside[:, parent]
            masks.append(mask)
        return RegionCandidates(
            embedding,
            np.stack(masks, axis=1),
            np.stack(quality, axis=1).astype(np.float32),
        )

    def pack(self, embedding: Regions) -> dict[str, torch.Tensor]:
        """See `BaseSegmenter.pack`."""
        arrays = dict(
            leaf=embedding.leaf,
            areas=embedding.areas,
            parents=embedding.parents,
        )
        for level, scores in enumerate(embedding.scores):
            arrays[f'scores_{level}'] = scores
        return {
            name: torch.from_numpy(np.ascontiguousarray(array))
            for name, array in arrays.items()
        }

    def unpack(self, tensors: dict[str, torch.Tensor]) -> Regions:
        """See `BaseSegmenter.unpack`."""
        levels = range(len(self.scales))
        return Regions(
            leaf=tensors['leaf'].numpy(),
            areas=tensors['areas'].numpy(),
            parents=tensors['parents'].numpy(),
            scores=[tensors[f'scores_{level}'].numpy() for level in levels],
        )

    def _cut(self, image: np.ndarray) -> Regions:
        """Cuts an image into regions at all scales."""
        height, width = image.shape[:2]
        shrink = min(np.sqrt(self.max_pixels / (height * width)), 1.0)
        base = _resize(self._brightened[image], shrink)
        changes = _colour_changes(base)
        partitions = []
        for scale, resolution, min_size in zip(
            self.scales, RESOLUTIONS, MIN_SIZES
        ):
            partition = felzenszwalb(
                _resize(base, resolution),
                scale=scale,
                sigma=0.5,
                min_size=min_size,
            )
            partition = _enlarge(partition, base.shape)
            partition = dissolve_ramps(partition, *changes)
            partitions.append(sharpen(base, partition))
        codes = np.zeros(base.shape[:2], np.int64)
        for partition in partitions:
            codes = codes * (partition.max() + 1) + partition
        _, first, leaf = np.unique(
            codes, return_index=True, return_inverse=True
        )
        leaf = leaf.reshape(codes.shape)
        parents = np.stack([p.ravel()[first] for p in partitions])
        contrasts = measure_contrast(base, leaf, parents)
        leaf = _enlarge(leaf, image.shape)
        areas = np.bincount(leaf.ravel(), minlength=len(first))
        scores = [w * c for w, c in zip(WHOLENESS, contrasts)]
        return Regions(leaf, areas.astype(np.float32), parents, scores)


def measure_contrast(
    image: np.ndarray, leaf: np.ndarray, parents: np.ndarray
) -> list[np.ndarray]:
    """Measures how strongly regions stand out from their surroundings.

    Source: our choice. It grows with the colour step across a region's
    boundary, and shrinks with the steps inside of it.

    Args:
        image: (H, W, 3) uint8.
        leaf: (H, W) integers from 0 to R - 1.
        parents: (S, R) integers, the region of each leaf at S scales.

    Returns:
        For each scale (regions,) float32 in [0, 1], mean step across the
        boundary / (that step + mean step inside); 0.5 where there is no
        step at all.
    """
    planes = _planes(image)
    steps = np.concatenate(
        [
            _distance(planes[:, 1:], planes[:, :-1]).ravel(),
            _distance(planes[..., 1:], planes[..., :-1]).ravel(),
        ]
    )
    one = np.concatenate([leaf[1:].ravel(), leaf[:, 1:].ravel()])
    two = np.concatenate([leaf[:-1].ravel(), leaf[:, :-1].ravel()])
    own = _sum_steps(one, two, steps, parents.shape[1])
    # Steps inside of a leaf are inside at every scale: the rest is small.
    between = np.flatnonzero(one != two)
    one, two, steps = one[between], two[between], steps[between]
    scores = []
    for parent in parents:
        count = int(parent.max()) + 1
        ends = parent[one], parent[two]
        apart = np.flatnonzero(ends[0] != ends[1])
        crossing = _sum_steps(
            ends[0][apart], ends[1][apart], steps[apart], count
        )
        every = np.stack([np.bincount(parent, x, count) for x in own])
        (across, number), (inside, others) = crossing, every - crossing
        across = across / np.maximum(number, 1) + 1e-6
        inside = inside / np.maximum(others, 1) + 1e-6
        scores.append((across / (across + inside)).astype(np.float32))
    return scores


def sharpen(image: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Corrects the boundaries of regions found on a smaller image.

    Each pixel beside a boundary joins that of the adjacent regions whose
    mean colour is closest to its own. Source: our choice.

    Args:
        image: (H, W, 3) uint8.
        regions: (H, W) int32.

    Returns:
        (H, W) int32; a region may have lost all of its pixels.
    """
    count = int(regions.max()) + 1
    flat, colours = regions.ravel(), image.reshape(-1, 3).T
    sums = [np.bincount(flat, colour, count) for colour in colours]
    means = sums / np.maximum(np.bincount(flat, minlength=count), 1)
    padded = np.pad(regions, 1, mode='edge')
    sides = [
        padded[1 + r :, 1 + c :][: regions.shape[0], : regions.shape[1]]
        for r, c in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    ]
    beside = np.flatnonzero(
        np.logical_or.reduce([side != regions for side in sides])
    )
    choices = np.stack([side.ravel()[beside] for side in sides])
    means, own = means.astype(np.float32), colours[:, beside]
    distance = sum(
        np.square(mean[choices] - colour) for mean, colour in zip(means, own)
    )
    sharp = flat.copy()
    sharp[beside] = choices[distance.argmin(axis=0), np.arange(len(beside))]
    return sharp.reshape(regions.shape)


def dissolve_ramps(
    regions: np.ndarray, net: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Gives the strips along blurred edges to the regions on either side.

    Blur turns an edge into a ramp of colours, and a cut by colour makes it
    a region of its own. It differs from a thin object, such as a pole, in
    that colour runs one way across it. Source: our choice.

    Args:
        regions: (H, W) int32.
        net: (H, W) float32 net change of colour across each pixel.
        total: (H, W) float32 total change of colour, at least the net one.

    Returns:
        (H, W) int32, numbered from 0 without gaps.
    """
    window = np.ones((5, 5), np.uint8)
    values = regions.astype(np.float32)
    core = cv2.erode(values, window) == cv2.dilate(values, window)
    count = int(regions.max()) + 1
    flat = regions.ravel()
    thin = np.bincount(flat, core.ravel(), count) == 0
    one_way = np.bincount(flat, net.ravel(), count) >= (
        0.7 * np.bincount(flat, total.ravel(), count)
    )
    kept = ~(thin & one_way)
    if not kept.any():
        return regions
    sources = kept[regions]
    _, nearest = cv2.distanceTransformWithLabels(
        (~sources).astype(np.uint8),
        cv2.DIST_L2,
        5,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    numbers = np.zeros(int(nearest.max()) + 1, np.int32)
    numbers[nearest[sources]] = (kept.cumsum() - 1)[regions[sources]]
    return numbers[nearest]


def _sum_steps(
    one: np.ndarray, two: np.ndarray, steps: np.ndarray, count: int
) -> np.ndarray:
    """(2, count) sum and number of the steps that touch each region."""
    return np.stack(
        [
            np.bincount(one, steps, count) + np.bincount(two, steps, count),
            np.bincount(one, None, count) + np.bincount(two, None, count),
        ]
    )


def _colour_changes(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) net and total change of colour over five pixels.

    Across or down, whichever has the larger total.
    """
    height, width = image.shape[:2]
    padded = np.pad(_planes(image), ((0, 0), (2, 2), (2, 2)), mode='edge')
    across, down = padded[:, 2:-2], padded[..., 2:-2]
    right = _distance(across[..., 1:], across[..., :-1])
    below = _distance(down[:, 1:], down[:, :-1])
    rightward = sum(right[:, k : width + k] for k in range(4))
    downward = sum(below[k : height + k] for k in range(4))
    net = np.where(
        rightward < downward,
        _distance(down[:, 4:], down[:, :-4]),
        _distance(across[..., 4:], across[..., :-4]),
    )
    return net, np.maximum(rightward, downward)


def _planes(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (3, H, W) float32."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)


def _distance(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """(h, w) Euclidean distance of colours given as (3, h, w)."""
    return np.sqrt(np.square(one - two).sum(axis=0))


def _leaves_of(points: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """The leaves of (K, 2) points (x, y), moved into the image if outside."""
    last = np.array(leaf.shape[::-1]) - 1
    cols, rows = np.clip(np.rint(points).astype(int), 0, last).T
    return leaf[rows, cols]


def _resize(image: np.ndarray, factor: float) -> np.ndarray:
    """Scales both sides by a factor <= 1, to one pixel at the least."""
    if factor == 1:
        return image
    size = [max(round(side * factor), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _enlarge(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Brings (h, w) labels to the size of an (H, W, ...) shape."""
    return cv2.resize(
        labels.astype(np.int32),
        (shape[1], shape[0]),
        interpolation=cv2.INTER_NEAREST_EXACT,
    )
