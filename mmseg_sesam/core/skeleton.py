"""Skeletons of binary masks as curves: coordinates, arc length, paths."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import (
    connected_components,
    depth_first_order,
    dijkstra,
    minimum_spanning_tree,
)
from skimage.morphology import skeletonize

# Half of the 8-neighbourhood as (row, col): each edge is met once.
_FORWARD_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


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
    where the tree leaves them.

    Args:
        mask: (h, w) bool.

    Returns:
        The curve; every skeleton pixel occurs in it once.
    """
    coords = skeleton_pixels(mask)
    tree = _spanning_tree(coords)
    _, pieces = connected_components(tree, directed=False)
    order, steps = [], []
    for start in np.unique(pieces, return_index=True)[1]:
        nodes, lengths = _walk_tree(tree, int(start))
        order.append(nodes)
        steps.append(lengths)
    if not order:
        return Curve(coords, np.zeros(0))
    return Curve(coords[np.concatenate(order)], np.concatenate(steps))


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


def _spanning_tree(coords: np.ndarray) -> csr_matrix:
    """Minimum spanning forest of (N, 2) pixels joined to 8 neighbours."""
    count = len(coords)
    if count == 0:
        return csr_matrix((0, 0))
    index = np.full(coords.max(axis=0) + (2, 3), -1)
    rows, cols = coords[:, 0], coords[:, 1] + 1
    index[rows, cols] = np.arange(count)
    sources, targets, lengths = [], [], []
    for row_step, col_step in _FORWARD_NEIGHBOURS:
        neighbour = index[rows + row_step, cols + col_step]
        found = np.flatnonzero(neighbour >= 0)
        sources.append(found)
        targets.append(neighbour[found])
        lengths.append(np.full(len(found), np.hypot(row_step, col_step)))
    edges = (np.concatenate(sources), np.concatenate(targets))
    graph = coo_matrix(
        (np.concatenate(lengths), edges), shape=(count, count)
    ).tocsr()
    return minimum_spanning_tree(graph)


def _far_end(tree: csr_matrix, node: int) -> int:
    """The node of the same piece that is farthest from `node`."""
    distance = dijkstra(tree, directed=False, indices=node)
    return int(np.where(np.isfinite(distance), distance, -1).argmax())


def _walk_tree(tree: csr_matrix, node: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth-first order of a piece, and the length of each node's edge."""
    start = _far_end(tree, node)
    nodes, previous = depth_first_order(tree, start, directed=False)
    children, parents = nodes[1:], previous[nodes[1:]]
    lengths = np.zeros(len(nodes))
    if len(children):
        lengths[1:] = np.ravel(
            tree[parents, children] + tree[children, parents]
        )
    return nodes, lengths
