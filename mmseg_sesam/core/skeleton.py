"""Skeletons of binary masks as curves: coordinates, arc length, paths."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import (
    connected_components,
    depth_first_order,
    dijkstra,
    minimum_spanning_tree,
)
from skimage.morphology import skeletonize

# Half of the 8-neighbourhood as (row, col), in raster order: each edge is
# met once.
_FORWARD_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))
_STEP_LENGTHS = np.hypot(*np.transpose(_FORWARD_NEIGHBOURS))

# Pixels of depth to which walks thin a mask: one k times as deep is thinned
# at 1/k of its resolution. Each pixel of depth takes a pass over the mask.
_DEPTH = 16


class Curve(NamedTuple):
    """A skeleton in the order of a walk along it.

    Attributes:
        coords: (N, 2) integer pixels as (row, col), in walking order.
        steps: (N,) float lengths in pixels of the edge by which each pixel
            is reached; 0 where a piece begins.
    """

    coords: np.ndarray
    steps: np.ndarray

    @property
    def length(self) -> float:
        """Arc length of all branches together, in pixels."""
        return float(self.steps.sum())


def skeleton_pixels(mask: np.ndarray) -> np.ndarray:
    """Thins a mask to a one pixel wide skeleton (Zhang and Suen, 1984).

    Beyond the array is background: the skeleton of a bounding-box crop is
    the one that the whole image would give.

    Args:
        mask: (h, w) bool.

    Returns:
        (N, 2) integer pixels as (row, col), in raster order.
    """
    return np.argwhere(skeletonize(mask))


def walk_skeleton(mask: np.ndarray) -> Curve:
    """Walks along the skeleton of a mask, branch after branch.

    The walk is a depth-first traversal of the skeleton's minimum spanning
    tree from an end of its longest path, piece by piece. Rings are cut open
    where the tree leaves them. Masks of 32 pixels of depth and more are
    thinned at a reduced resolution, cell by cell (our choice).

    Args:
        mask: (h, w) bool.

    Returns:
        The curve, on the mask; at full resolution every skeleton pixel
        occurs in it once, at a reduced one the deepest mask pixel of every
        skeleton cell, with steps from cell to cell.
    """
    depth = _depth(mask)
    cell = max(int(depth.max(initial=0)) // _DEPTH, 1)
    if cell == 1:
        return _walk_pixels(skeleton_pixels(mask))
    cells = _cut_into_cells(depth, cell)
    curve = _walk_pixels(skeleton_pixels(cells.max(axis=2) > 0))
    rows, cols = curve.coords.T
    deepest = cells[rows, cols].argmax(axis=1)
    offsets = np.stack(np.divmod(deepest, cell), axis=1)
    return Curve(curve.coords * cell + offsets, curve.steps * cell)


def longest_path(mask: np.ndarray) -> np.ndarray:
    """Finds the longest path in the skeleton of a mask's largest piece.

    Args:
        mask: (h, w) bool with at least one true pixel.

    Returns:
        (N, 2) integer pixels as (row, col), from one end to the other.
    """
    coords = skeleton_pixels(mask)
    tree = _spanning_tree(coords)
    _, pieces = connected_components(tree, directed=False)
    largest = np.bincount(pieces).argmax()
    start = _far_end(tree, int(np.flatnonzero(pieces == largest)[0]))
    distance, previous = dijkstra(
        tree, directed=False, indices=start, return_predecessors=True
    )
    node = int(np.where(np.isfinite(distance), distance, -1).argmax())
    path = [node]
    while path[-1] != start:
        path.append(int(previous[path[-1]]))
    return coords[path]


def _depth(mask: np.ndarray) -> np.ndarray:
    """(h, w) float32 distance of pixels from the outside of a mask."""
    padded = np.pad(mask, 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]


def _cut_into_cells(image: np.ndarray, side: int) -> np.ndarray:
    """(h, w) -> (rows, cols, side * side), padded with zeros."""
    rows, cols = (-(-length // side) for length in image.shape)
    height, width = image.shape
    padded = np.pad(
        image, ((0, rows * side - height), (0, cols * side - width))
    )
    cells = padded.reshape(rows, side, cols, side).swapaxes(1, 2)
    return cells.reshape(rows, cols, side * side)


def _walk_pixels(coords: np.ndarray) -> Curve:
    """Walks over (N, 2) pixels, piece by piece."""
    tree = _spanning_tree(coords)
    unseen = np.ones(len(coords), bool)
    order, steps = [np.zeros(0, int)], [np.zeros(0)]
    while unseen.any():
        nodes, lengths = _walk_tree(tree, coords, int(unseen.argmax()))
        order.append(nodes)
        steps.append(lengths)
        unseen[nodes] = False
    return Curve(coords[np.concatenate(order)], np.concatenate(steps))


def _spanning_tree(coords: np.ndarray) -> csr_matrix:
    """Minimum spanning forest of (N, 2) pixels joined to 8 neighbours."""
    count = len(coords)
    if count == 0:
        return csr_matrix((0, 0))
    index = np.full(coords.max(axis=0) + (2, 3), -1)
    rows, cols = coords[:, 0], coords[:, 1] + 1
    index[rows, cols] = np.arange(count)
    neighbours = np.stack(
        [index[rows + r, cols + c] for r, c in _FORWARD_NEIGHBOURS], axis=1
    )
    found = neighbours >= 0
    lengths = np.broadcast_to(_STEP_LENGTHS, found.shape)
    # The rows of a sparse matrix, as they lie in memory.
    starts = np.concatenate([[0], found.sum(axis=1).cumsum()])
    graph = csr_matrix(
        (lengths[found], neighbours[found], starts), shape=(count, count)
    )
    return minimum_spanning_tree(graph)


def _far_end(tree: csr_matrix, node: int) -> int:
    """The node of the same piece that is farthest from `node`."""
    distance = dijkstra(tree, directed=False, indices=node)
    return int(np.where(np.isfinite(distance), distance, -1).argmax())


def _walk_tree(
    tree: csr_matrix, coords: np.ndarray, node: int
) -> tuple[np.ndarray, np.ndarray]:
    """Depth-first order of a piece, and the length of each node's edge."""
    start = _far_end(tree, node)
    nodes, previous = depth_first_order(tree, start, directed=False)
    lengths = np.zeros(len(nodes))
    edges = coords[nodes[1:]] - coords[previous[nodes[1:]]]
    lengths[1:] = np.hypot(*edges.T)
    return nodes, lengths
