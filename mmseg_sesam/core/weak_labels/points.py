"""Places of points: in objects, near them, and over a whole image."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from mmseg_sesam.core.components import Component
from mmseg_sesam.core.depth import depth_in
from mmseg_sesam.structures import UNLABELLED

PLACEMENTS = ('centre', 'random')
# Greatest distance of a missed point to its object, as a share of the square
# root of the object's area, and in pixels at least (our choice). People's
# missed clicks on VOC lie 0.36 away in the median, half of them between 0.14
# and 1.06 (81 clicks).
_REACH, _LEAST_REACH = 0.5, 8


def place_in_object(
    mask: np.ndarray, rng: np.random.Generator, number: int, placement: str
) -> np.ndarray:
    """Returns (N, 2) pixels of an object, where an annotator clicks on it.

    'centre' takes pixels with more than 0.7 of the greatest depth in the
    object without the earlier points; 'random' takes any pixels. The
    procedure is our choice. An object of fewer than `number` pixels gets
    fewer points.

    Example:
        >>> mask, rng = np.ones((9, 9), bool), np.random.default_rng(0)
        >>> place_in_object(mask, rng, 2, 'random').shape
        (2, 2)
    """
    free, places = mask.copy(), []
    for _ in range(min(number, int(mask.sum()))):
        depth = depth_in(free) if placement == 'centre' else free
        places.append(rng.choice(np.argwhere(depth > 0.7 * depth.max())))
        free[tuple(places[-1])] = False
    return np.array(places)


def surroundings(
    label: np.ndarray, component: Component
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pixels of other classes near an object, in a window.

    Args:
        label: (H, W) uint8 dense class ids, 255 for void.
        component: the object.

    Returns:
        (h, w) bool pixels of the window, and its first row and column.
    """
    reach = max(_REACH * component.area**0.5, _LEAST_REACH)
    margin = int(np.ceil(reach))
    corner = np.array([max(s.start - margin, 0) for s in component.slices])
    ends = [s.stop + margin for s in component.slices]
    window = label[corner[0] : ends[0], corner[1] : ends[1]]
    outside = np.ones(window.shape, bool)
    rows, cols = (
        slice(s.start - first, s.stop - first)
        for s, first in zip(component.slices, corner)
    )
    outside[rows, cols] = ~component.mask
    near = distance_transform_edt(outside) <= reach
    foreign = (window != component.class_id) & (window != UNLABELLED)
    return near & foreign, corner


def place_at_random(
    shape: tuple[int, int], rng: np.random.Generator, number: int
) -> np.ndarray:
    """Returns (N, 2) different pixels, all equally likely.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> place_at_random((1, 2), rng, 9).shape
        (2, 2)
    """
    size = shape[0] * shape[1]
    flat = rng.choice(size, min(number, size), replace=False)
    return np.stack(np.unravel_index(flat, shape), axis=1)


def place_on_grid(
    shape: tuple[int, int], rng: np.random.Generator, number: int
) -> np.ndarray:
    """Returns (N, 2) pixels on a grid of about `number` equal cells.

    The grid has a random start, so that all pixels are equally likely.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> place_on_grid((20, 30), rng, 6).shape
        (6, 2)
    """
    short, long = sorted(shape)
    # The short side first: a thin image has one line of cells.
    few = min(max(round((number * short / long) ** 0.5), 1), short)
    many = min(max(round(number / few), 1), long)
    cells = (few, many) if shape[0] == short else (many, few)
    axes = [
        ((np.arange(count) + rng.random()) * length / count).astype(int)
        for count, length in zip(cells, shape)
    ]
    grid = np.meshgrid(*axes, indexing='ij')
    return np.stack(grid, axis=-1).reshape(-1, 2)
