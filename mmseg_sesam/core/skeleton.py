"""Skeletons of binary masks, walked along or reduced to a path."""

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
from scipy.spatial import cKDTree
from skimage.measure import block_reduce
from skimage.morphology import skeletonize

from mmseg_sesam.core.depth import depth_in

# Largest depth in pixels at full resolution (our choice). Thinning takes a
# pass over the mask for each pixel of depth, so that a mask k times as deep is
# thinned at 1/k of its resolution.
_DEPTH = 16
# The same for a single path, which becomes a stroke (our choice). Objects of
# up to 511 pixels across keep the stroke of full resolution.
_PATH_DEPTH = 128


class Curve(NamedTuple):
    """A skeleton in the order of a walk along it.

    Attributes:
        coords: (N, 2) integer pixels as (row, col), in walking order.
        steps: (N,) float length in pixels of the edge to each pixel; 0 at
            the first pixel of each connected piece.
    """

    coords: np.ndarray
    steps: np.ndarray

    @property
    def length(self) -> float:
        """Arc length of all branches together, in pixels."""
        return float(self.steps.sum())


def skeleton_pixels(mask: np.ndarray) -> np.ndarray:
    """Returns the skeleton of a (h, w) bool mask (Zhang and Suen, 1984).

    (N, 2) integer pixels as (row, col), in raster order. Pixels beyond the
    array are background: a crop has the skeleton of the whole image.
    """
    # scikit-image 0.21 raises for a rotated view or a crop.
    return np.argwhere(skeletonize(np.ascontiguousarray(mask)))


def walk_skeletons(masks: Sequence[np.ndarray]) -> list[Curve]:
    """Returns a walk along the skeleton of each (h, w) bool mask.

    For each connected piece, the walk is a depth-first traversal of the
    minimum spanning tree, from an end of the longest path. The tree opens
    rings. Every skeleton pixel occurs once. A mask at least 32 pixels deep is
    thinned at a reduced resolution, and its curve has the deepest mask pixel
    of each skeleton cell. Many masks take little longer than one.
    """
    pieces = [_place_skeleton(mask, _DEPTH) for mask in masks]
    orders = _walk_pixels([piece.cells for piece in pieces])
    return [
        Curve(piece.pixels[order], steps * piece.side)
        for piece, (order, steps) in zip(pieces, orders)
    ]


def longest_path(mask: np.ndarray) -> np.ndarray:
    """Returns the longest path in the largest piece of a mask's skeleton.

    (N, 2) integer pixels as (row, col), from one end to the other, each a
    neighbour of the one before. The mask, (h, w) bool, has at least one true
    pixel. A mask at least 256 pixels deep is thinned at a reduced resolution;
    gaps of a few pixels are then crossed.
    """
    skeleton = _place_skeleton(mask, _PATH_DEPTH)
    tree = _spanning_tree([skeleton.cells])
    _, pieces = connected_components(tree, directed=False)
    largest = np.bincount(pieces).argmax()
    start, _ = _farthest(tree, int(np.flatnonzero(pieces == largest)[0]))
    end, previous = _farthest(tree, start)
    path = [end]
    while path[-1] != start:
        path.append(int(previous[path[-1]]))
    return _join(skeleton.pixels[path])


def _join(pixels: np.ndarray) -> np.ndarray:
    """Returns (N, 2) pixels with those on the straight lines between them."""
    steps = np.abs(np.diff(pixels, axis=0)).max(axis=1)
    places = np.concatenate([[0], steps.cumsum()])
    every = np.arange(places[-1] + 1)
    joined = [np.interp(every, places, axis) for axis in pixels.T]
    return np.rint(np.stack(joined, 1)).astype(int)


class _Skeleton(NamedTuple):
    """The skeleton of a mask that was thinned in cells of side x side pixels.

    `cells` are (N, 2) cells as (row, col), in raster order; `pixels` (N, 2)
    has the deepest mask pixel of each.
    """

    cells: np.ndarray
    pixels: np.ndarray
    side: int


def _place_skeleton(mask: np.ndarray, most: int) -> _Skeleton:
    """Thins a mask in cells so large that it is below 2 `most` cells deep."""
    depth = depth_in(mask, exact=False)
    side = max(int(depth.max(initial=0)) // most, 1)
    # A cell is in the coarse mask if any of its pixels is in the mask.
    coarse = mask if side == 1 else block_reduce(mask, side, np.any)
    cells = skeleton_pixels(coarse)
    return _Skeleton(cells, _deepest_in(cells, depth, side), side)


def _deepest_in(cells: np.ndarray, depth: np.ndarray, side: int) -> np.ndarray:
    """Returns the deepest pixel of each cell."""
    if side == 1:
        return cells
    height, width = depth.shape
    steps = np.arange(side)
    rows = cells[:, :1] * side + np.repeat(steps, side)
    cols = cells[:, 1:] * side + np.tile(steps, side)
    # The last cells may extend beyond the array.
    rows, cols = rows.clip(max=height - 1), cols.clip(max=width - 1)
    own = np.arange(len(rows)), depth[rows, cols].argmax(axis=1)
    return np.stack([rows[own], cols[own]], 1)


def _walk_pixels(
    coords: list[np.ndarray],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Walks over each set of (N, 2) pixels, using one graph.

    Returns for each set (N,) places in it in walking order, and (N,) steps,
    see `Curve`.
    """
    ends = np.cumsum([len(own) for own in coords])
    if not len(ends) or not ends[-1]:
        return [(np.zeros(0, int), np.zeros(0)) for _ in coords]
    tree = _spanning_tree(coords)
    _, pieces = connected_components(tree, directed=False)
    firsts = np.unique(pieces, return_index=True)[1]
    distance = dijkstra(tree, directed=False, indices=firsts, min_only=True)
    order = np.lexsort((-distance, pieces))
    starts = order[np.searchsorted(pieces[order], np.arange(len(firsts)))]
    nodes, previous = _depth_first(tree, starts)
    pixels = np.concatenate(coords)
    steps = np.hypot(*(pixels[nodes] - pixels[previous]).T)
    begins = ends - [len(own) for own in coords]
    return [
        (nodes[begin:end] - begin, steps[begin:end])
        for begin, end in zip(begins, ends)
    ]


def _depth_first(
    tree: csr_matrix, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns nodes of a forest depth first, and the predecessor of each.

    A root joined to all starts makes the forest one tree. A start is its own
    predecessor.
    """
    count = tree.shape[0]
    indices = np.concatenate([tree.indices, starts])
    rows = np.append(tree.indptr, len(indices))
    graph = csr_matrix(
        (np.ones(len(indices)), indices, rows), (count + 1, count + 1)
    )
    nodes, previous = depth_first_order(graph, count, directed=False)
    nodes = nodes[1:]
    previous = previous[nodes]
    return nodes, np.where(previous == count, nodes, previous)


def _spanning_tree(coords: list[np.ndarray]) -> csr_matrix:
    """Returns minimum spanning trees of sets of (N, 2) pixels, as one matrix.

    Edges join 8-neighbours. If edges are equally long, the tree takes the
    first in raster order. Entries are edge lengths.
    """
    pixels = np.concatenate(coords)
    count = len(pixels)
    # Sets lie apart on a third axis, so that one search finds all edges.
    sets = np.repeat(np.arange(len(coords)), [len(own) for own in coords])
    places = np.column_stack([pixels, 2 * sets])
    pairs = cKDTree(places).query_pairs(1.5, output_type='ndarray')
    pairs = pairs[np.lexsort(pairs.T[::-1])]
    lengths = np.hypot(*(pixels[pairs[:, 0]] - pixels[pairs[:, 1]]).T)
    # Added to the lengths, so that the first of equal edges is taken. The sum
    # stays below the difference of two lengths, and is removed again below.
    order = np.arange(len(lengths)) * (0.1 / max(len(lengths), 1))
    tree = minimum_spanning_tree(
        csr_matrix((lengths + order, pairs.T), (count, count))
    )
    sources = np.repeat(np.arange(count), np.diff(tree.indptr))
    tree.data = np.hypot(*(pixels[tree.indices] - pixels[sources]).T)
    return tree


def _farthest(tree: csr_matrix, node: int) -> tuple[int, np.ndarray]:
    """Returns the node of a piece farthest from `node`, and predecessors."""
    distance, previous = dijkstra(
        tree, directed=False, indices=node, return_predecessors=True
    )
    distance[np.isinf(distance)] = -1
    return int(distance.argmax()), previous
