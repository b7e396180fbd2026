"""Skeletons of binary masks as curves: coordinates, arc length, paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import (
    connected_components,
    depth_first_order,
    dijkstra,
    minimum_spanning_tree,
)
from skimage.morphology import skeletonize

from mmseg_sesam.core.depth import depth_in

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


def walk_skeletons(masks: Sequence[np.ndarray]) -> list[Curve]:
    """Walks along the skeletons of masks, branch after branch.

    A walk is a depth-first traversal of the skeleton's minimum spanning
    tree from an end of its longest path, piece by piece. Rings are cut open
    where the tree leaves them. Masks of 32 pixels of depth and more are
    thinned at a reduced resolution, cell by cell (our choice).

    Args:
        masks: each (h, w) bool. Many cost little more than one.

    Returns:
        The curve of each mask, on the mask; at full resolution every
        skeleton pixel occurs in it once, at a reduced one the deepest mask
        pixel of every skeleton cell, with steps from cell to cell.
    """
    depths = [depth_in(mask, exact=False) for mask in masks]
    sides = [max(int(d.max(initial=0)) // _DEPTH, 1) for d in depths]
    coords = [
        skeleton_pixels(_shrink(mask, side))
        for mask, side in zip(masks, sides)
    ]
    return [
        _enlarge(curve, depth, side)
        for curve, depth, side in zip(_walk_pixels(coords), depths, sides)
    ]


def longest_path(mask: np.ndarray) -> np.ndarray:
    """Finds the longest path in the skeleton of a mask's largest piece.

    Args:
        mask: (h, w) bool with at least one true pixel.

    Returns:
        (N, 2) integer pixels as (row, col), from one end to the other.
    """
    coords = skeleton_pixels(mask)
    tree = _spanning_tree([coords])
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


def _shrink(mask: np.ndarray, side: int) -> np.ndarray:
    """Cells of side x side pixels, true where any pixel is."""
    if side == 1:
        return mask
    rows = np.arange(0, mask.shape[0], side)
    cols = np.arange(0, mask.shape[1], side)
    some = np.logical_or.reduceat(mask, rows, axis=0)
    return np.logical_or.reduceat(some, cols, axis=1)


def _enlarge(curve: Curve, depth: np.ndarray, side: int) -> Curve:
    """Puts a curve over cells onto the deepest pixel of each."""
    if side == 1:
        return curve
    height, width = depth.shape
    steps = np.arange(side)
    rows = curve.coords[:, :1] * side + np.repeat(steps, side)
    cols = curve.coords[:, 1:] * side + np.tile(steps, side)
    # Cells may reach beyond the mask's array.
    rows, cols = rows.clip(max=height - 1), cols.clip(max=width - 1)
    own = np.arange(len(rows)), depth[rows, cols].argmax(axis=1)
    return Curve(np.stack([rows[own], cols[own]], 1), curve.steps * side)


def _walk_pixels(coords: list[np.ndarray]) -> list[Curve]:
    """Walks over sets of (N, 2) pixels, all of them in one graph."""
    ends = np.cumsum([len(own) for own in coords])
    if not len(ends) or not ends[-1]:
        return [Curve(own, np.zeros(0)) for own in coords]
    tree = _spanning_tree(coords)
    _, pieces = connected_components(tree, directed=False)
    firsts = np.unique(pieces, return_index=True)[1]
    distance = dijkstra(tree, directed=False, indices=firsts, min_only=True)
    order = np.lexsort((-distance, pieces))
    starts = order[np.searchsorted(pieces[order], np.arange(len(firsts)))]
    nodes, previous = _depth_first(tree, starts)
    pixels = np.concatenate(coords)
    steps = np.hypot(*(pixels[nodes] - pixels[previous]).T)
    curves = Curve(pixels[nodes], steps)
    return [
        Curve(curves.coords[end - len(own) : end], steps[end - len(own) : end])
        for own, end in zip(coords, ends)
    ]


def _depth_first(
    tree: csr_matrix, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Depth-first order of a forest, and where each node is reached from.

    A root above the starts makes it one tree; a start is reached from
    itself.
    """
    count = tree.shape[0]
    indices = np.concatenate([tree.indices, starts])
    graph = csr_matrix(
        (
            np.ones(len(indices)),
            indices,
            np.append(tree.indptr, len(indices)),
        ),
        shape=(count + 1, count + 1),
    )
    nodes, previous = depth_first_order(graph, count, directed=False)
    nodes = nodes[1:]
    previous = previous[nodes]
    return nodes, np.where(previous == count, nodes, previous)


def _spanning_tree(coords: list[np.ndarray]) -> csr_matrix:
    """Minimum spanning forest of sets of (N, 2) pixels, each by itself.

    Neighbours are joined, of equally long edges the first in raster order.
    """
    neighbours, count = [], 0
    for own in coords:
        index = np.full(own.max(axis=0, initial=0) + (2, 3), -1)
        rows, cols = own[:, 0], own[:, 1] + 1
        index[rows, cols] = np.arange(count, count + len(own))
        neighbours += [
            [index[rows + r, cols + c] for r, c in _FORWARD_NEIGHBOURS]
        ]
        count += len(own)
    joined = np.concatenate(neighbours, axis=1).T
    found = joined >= 0
    lengths = np.broadcast_to(_STEP_LENGTHS, found.shape)[found]
    # The rows of a sparse matrix, as they lie in memory.
    starts = np.concatenate([[0], found.sum(axis=1).cumsum()])
    order = np.arange(len(lengths)) * (0.1 / max(len(lengths), 1))
    tree = minimum_spanning_tree(
        csr_matrix((lengths + order, joined[found], starts), (count, count))
    )
    sources = np.repeat(np.arange(count), np.diff(tree.indptr))
    pixels = np.concatenate(coords)
    tree.data = np.hypot(*(pixels[tree.indices] - pixels[sources]).T)
    return tree


def _far_end(tree: csr_matrix, node: int) -> int:
    """The node of the same piece that is farthest from `node`."""
    distance = dijkstra(tree, directed=False, indices=node)
    return int(np.where(np.isfinite(distance), distance, -1).argmax())
