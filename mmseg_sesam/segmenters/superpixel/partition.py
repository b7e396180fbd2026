"""Steps that turn an image into regions of homogeneous colour."""

from __future__ import annotations

import cv2
import numpy as np


def measure_contrast(
    image: np.ndarray, leaf: np.ndarray, parents: np.ndarray
) -> list[np.ndarray]:
    """Returns for each scale (regions,) float32 in [0, 1], the contrast.

    Contrast is the mean step of colour across the boundary / (that step +
    mean step inside); 0.5 where there is no step (our choice). `leaf` is
    (H, W) from 0 to R - 1, `parents` (S, R), the region of each leaf.
    """
    planes = _planes(image)
    below = _distance(planes[:, 1:], planes[:, :-1])
    right = _distance(planes[..., 1:], planes[..., :-1])
    steps = np.concatenate([below.ravel(), right.ravel()])
    one = np.concatenate([leaf[1:].ravel(), leaf[:, 1:].ravel()])
    two = np.concatenate([leaf[:-1].ravel(), leaf[:, :-1].ravel()])
    own = _sum_steps(one, two, steps, parents.shape[1])
    # Only steps between leaves differ from scale to scale.
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
    """Returns (H, W) int32 regions, corrected on an (H, W, 3) image.

    Each pixel beside a boundary joins the adjacent region of the closest mean
    colour (our choice). A region may lose all of its pixels.
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
    """Merges the strips along blurred edges into the regions beside them.

    Blur turns an edge into a ramp of colours, which becomes a region of its
    own. Colour changes in one direction across a ramp, but not across a thin
    object such as a pole. Source: our choice.

    `net` and `total` come from `colour_changes`; the result is numbered from
    0 without gaps.
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
    """Returns (2, count) sum and number of the steps at each region."""
    return np.stack(
        [
            np.bincount(one, steps, count) + np.bincount(two, steps, count),
            np.bincount(one, None, count) + np.bincount(two, None, count),
        ]
    )


def colour_changes(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns (H, W) net and total change of colour over five pixels.

    The direction, across or down, is the one with the larger total.
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
    """Returns an (H, W, 3) uint8 image as (3, H, W) float32."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)


def _distance(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Returns (h, w) Euclidean distances of (3, h, w) colours."""
    return np.sqrt(np.square(one - two).sum(axis=0))


def resize(image: np.ndarray, factor: float) -> np.ndarray:
    """Returns the image with both sides scaled by a factor of at most 1."""
    if factor == 1:
        return image
    size = [max(round(side * factor), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def enlarge(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Returns (h, w) labels at the size of an (H, W, ...) shape."""
    return cv2.resize(
        labels.astype(np.int32),
        (shape[1], shape[0]),
        interpolation=cv2.INTER_NEAREST_EXACT,
    )
