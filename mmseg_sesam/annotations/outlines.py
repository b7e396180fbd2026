"""Outlines of the components of a label map, as polygons to be edited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_fill_holes, find_objects
from scipy.ndimage import label as find_components
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial import Delaunay
from skimage.measure import approximate_polygon

from mmseg_sesam.core.bands import class_ids
from mmseg_sesam.structures import UNLABELLED

# Distance of a corner from the pixel's edges, inwards: readers that draw the
# pixel of a corner, and readers that draw the area, both get the mask.
_INSET = 0.25
# Headings along pixel edges: right, down, left, up.
_STEPS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
_EIGHT = np.ones((3, 3), bool)
_FOUR = None


class Outline(NamedTuple):
    """The outline of a component.

    Attributes:
        class_id: class of its pixels, 255 for unlabelled ones.
        outer: (N, 2) corners (x, y) of its outer boundary.
        holes: corners of the boundary of each hole.
    """

    class_id: int
    outer: np.ndarray
    holes: list[np.ndarray]

    @property
    def joined(self) -> np.ndarray:
        """(N, 2) corners of one polygon, with a bridge to each hole.

        A bridge leads to a hole and back along the same line, so that it has
        no area. Bridges are as short as possible and may start at a hole.
        """
        if not self.holes:
            return self.outer
        rings = [self.outer, *self.holes]
        stops = np.cumsum([len(ring) for ring in rings])
        corners = np.concatenate(rings)
        bridges = _bridges(corners, stops)
        way, following = [], [*range(len(self.outer))][::-1]
        while following:
            place = following.pop()
            way.append(place)
            for index, start in bridges.pop(place, ()):
                hole = np.arange(*stops[index - 1 : index + 1])
                around = np.roll(hole, hole[0] - start).tolist()
                following += [*around, start, place][::-1]
        return corners[way]


class _Component(NamedTuple):
    """Pixels of one component within its window of the image."""

    class_id: int
    mask: np.ndarray
    left: int
    top: int


class _Traced(NamedTuple):
    """Class of a component and its boundaries, the outer one first."""

    class_id: int
    rings: list[np.ndarray]


def outlines_in_order(label: np.ndarray, tolerance: float) -> list[Outline]:
    """Returns outlines that give the label if each is drawn over the earlier.

    A hole is part of the outline around it if later outlines cover it:
    unlabelled pixels in it get an outline of class 255. Other holes remain.

    Args:
        label: (H, W) uint8 class ids, 255 = unlabelled.
        tolerance: corners are left out that lie within this distance, in
            pixels, of the outline without them.
    """
    components = [
        (part, binary_fill_holes(part.mask))
        for part in _components(label, np.unique(label))
    ]
    components.sort(key=lambda pair: -np.count_nonzero(pair[1]))
    traced = []
    # Pixels of components that are drawn, and pixels that they cover.
    drawn = np.zeros(label.shape, bool)
    covered = np.zeros(label.shape, bool)
    for part, filled in components:
        height, width = part.mask.shape
        window = (
            slice(part.top, part.top + height),
            slice(part.left, part.left + width),
        )
        is_ground = part.class_id == UNLABELLED
        if is_ground and not covered[window][part.mask].any():
            continue
        mask = _fill_holes(part.mask, filled, drawn[window])
        if not is_ground:
            covered[window] |= mask
        drawn[window] |= part.mask
        traced.append(_trace(part._replace(mask=mask)))
    return _outlines(traced, label.shape, tolerance)


def separate_outlines(label: np.ndarray, tolerance: float) -> list[Outline]:
    """Returns the outlines of all components with their holes.

    For formats without an order of drawing; see `outlines_in_order`.
    """
    components = _components(label, class_ids(label))
    return _outlines([*map(_trace, components)], label.shape, tolerance)


def trace_rings(mask: np.ndarray) -> list[np.ndarray]:
    """Returns the boundaries of an (H, W) bool mask that is 8-connected.

    The outer one is first; its pixels are on the right. Corners (x, y) lie
    inside of pixels of the mask.

    Example:
        >>> (ring,) = trace_rings(np.ones((1, 2), bool))
        >>> ring.tolist()
        [[1.75, 0.25], [1.75, 0.75], [0.25, 0.75], [0.25, 0.25]]
    """
    edges = _boundary_edges(mask)
    touching = (edges & (edges - 1)) > 0
    open_edges, is_touching = edges.ravel().tolist(), touching.ravel().tolist()
    stride = edges.shape[1]
    rings = []
    for first in np.flatnonzero(edges).tolist():
        while open_edges[first]:
            rings.append(_walk(open_edges, is_touching, first, stride))
    return rings


def _components(label: np.ndarray, values: np.ndarray) -> Iterator[_Component]:
    """Yields the components of some values of a label.

    Unlabelled pixels on both sides of a diagonal of a class are two
    components, so that a hole of the class is one of its own.
    """
    for class_id in values.tolist():
        joins = _FOUR if class_id == UNLABELLED else _EIGHT
        numbers, _ = find_components(label == class_id, joins)
        for index, window in enumerate(find_objects(numbers), 1):
            mask = numbers[window] == index
            rows, columns = window
            yield _Component(class_id, mask, columns.start, rows.start)


def _fill_holes(
    mask: np.ndarray, filled: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """Returns a component with the holes in which nothing is drawn yet."""
    holes, number = find_components(filled & ~mask, _FOUR)
    occupied = np.zeros(number + 1, bool)
    occupied[holes[drawn]] = True
    occupied[0] = True
    return mask | ~occupied[holes]


def _trace(part: _Component) -> _Traced:
    corner = [part.left, part.top]
    rings = [ring + corner for ring in trace_rings(part.mask)]
    return _Traced(part.class_id, rings)


def _outlines(
    traced: list[_Traced], shape: tuple[int, int], tolerance: float
) -> list[Outline]:
    outlines = []
    for class_id, rings in traced:
        if tolerance > 0:
            rings = [_simplify(ring, shape, tolerance) for ring in rings]
        outlines.append(Outline(class_id, rings[0], rings[1:]))
    return outlines


def _simplify(
    ring: np.ndarray, shape: tuple[int, int], tolerance: float
) -> np.ndarray:
    """Returns the corners of a ring that stay: Douglas-Peucker on a ring.

    Corners at the border of the image stay, as pixels at the border belong
    to no other outline, and all corners of a ring that would have no area.
    """
    size = np.array(shape[::-1])
    at_border = ((ring <= _INSET) | (ring >= size - _INSET)).any(1)
    # Without a corner at the border, the ring is cut at its first corner.
    ends = np.flatnonzero(at_border) if at_border.any() else np.zeros(1, int)
    line = np.concatenate([ring, ring[: ends[0] + 1]])
    ends = np.append(ends, len(line) - 1)
    kept = np.concatenate(
        [
            approximate_polygon(line[start : end + 1], tolerance)[:-1]
            for start, end in zip(ends, ends[1:])
        ]
    )
    return kept if len(kept) > 2 else ring


def _bridges(
    corners: np.ndarray, stops: np.ndarray
) -> dict[int, list[tuple[int, int]]]:
    """Returns bridges that join all rings, by the corner where one begins.

    The shortest tree of bridges between points has edges of their Delaunay
    triangulation alone.

    Args:
        corners: (N, 2) corners (x, y) of all rings, the outer one first.
        stops: index after the last corner of each ring.

    Returns:
        Pairs of the ring and the corner where a bridge ends.
    """
    triangles = Delaunay(corners)
    ends = triangles.simplices
    # Of corners at one place, triangles have one; `coplanar` lists the others.
    pairs = [*(ends[:, [i, i - 1]] for i in range(3))]
    pairs = np.concatenate([*pairs, triangles.coplanar[:, [0, 2]]])
    pairs = np.sort(pairs, axis=1)
    # Rings have ascending corners, so the first ring has the lower index.
    rings = np.searchsorted(stops, pairs, side='right')
    between = rings[:, 0] != rings[:, 1]
    pairs, rings = pairs[between], rings[between]
    lengths = np.hypot(*(corners[pairs[:, 0]] - corners[pairs[:, 1]]).T)
    order = np.lexsort((*pairs.T, lengths))
    # The shortest bridge between each pair of rings.
    _, first = np.unique(rings[order], axis=0, return_index=True)
    best = order[first]
    number = len(stops)
    # A length of zero would mean that there is no bridge.
    graph = csr_matrix(
        (lengths[best] + 1, rings[best].T), shape=(number, number)
    )
    places = dict(zip(map(tuple, rings[best].tolist()), pairs[best].tolist()))
    tree = minimum_spanning_tree(graph)
    reached, before = breadth_first_order(tree, 0, directed=False)
    found: dict[int, list[tuple[int, int]]] = {}
    for ring in reached[1:].tolist():
        last = int(before[ring])
        start, end = places[min(last, ring), max(last, ring)]
        if last > ring:
            start, end = end, start
        found.setdefault(start, []).append((ring, end))
    return found


def _boundary_edges(mask: np.ndarray) -> np.ndarray:
    """Returns the boundary edges that start at each corner of pixels.

    Bit d of a value is set if an edge of heading d starts there, with a pixel
    of the mask on its right.
    """
    padded = np.pad(mask, 1)
    here = padded[1:-1, 1:-1]
    edges = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.uint8)
    edges[:-1, :-1] |= here & ~padded[:-2, 1:-1]
    edges[:-1, 1:] |= (here & ~padded[1:-1, 2:]).astype(np.uint8) << 1
    edges[1:, 1:] |= (here & ~padded[2:, 1:-1]).astype(np.uint8) << 2
    edges[1:, :-1] |= (here & ~padded[1:-1, :-2]).astype(np.uint8) << 3
    return edges


def _walk(
    open_edges: list[int], is_touching: list[bool], first: int, stride: int
) -> np.ndarray:
    """Returns the corners of the ring that starts at a corner of pixels.

    Removes its edges. Where two pixels of the mask touch at a corner, the
    ring turns left, from one to the other.
    """
    moves = 1, stride, -1, -stride
    place = first
    heading = begin = (open_edges[first] & -open_edges[first]).bit_length() - 1
    corners = []
    while True:
        place += moves[heading]
        edges = open_edges[place]
        for following in ((heading - 1) & 3, heading, (heading + 1) & 3):
            if edges >> following & 1:
                break
        if following != heading:
            touching = is_touching[place]
            corners += _corners(place, heading, following, touching)
        open_edges[place] &= ~(1 << following)
        heading = following
        if place == first and following == begin:
            break
    places, x, y = np.array(corners).T
    grid = np.stack([places % stride, places // stride], 1)
    return grid + _INSET * np.stack([x, y], 1)


def _corners(
    place: int, heading: int, following: int, touching: bool
) -> list[tuple[int, int, int]]:
    """Returns the corners of a turn: the place, and the way inwards."""
    (x, y), (u, v) = _STEPS[heading].tolist(), _STEPS[following].tolist()
    if following == (heading + 1) & 3:
        return [(place, u - x, v - y)]
    if touching:
        # One in each pixel.
        return [(place, -x - u, -y - v), (place, x + u, y + v)]
    return [(place, x - u, y - v)]
