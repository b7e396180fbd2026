"""Joins candidates of tiles, and continues them in neighbouring tiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, NamedTuple

import cv2
import numpy as np

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.components import deepest_point
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.tiles import Box, TileGrid, intersect
from mmseg_sesam.segmenters.tile_masks import DecodedPart, PackedPart, Part

# Number of a tile and prompts on it -> their candidates.
DecodeTile = Callable[[int, list[PointPrompt]], Candidates]

# Pixels at which masks of two tiles are compared lie in this many rows, or
# columns, of the overlap (our choice).
_ROWS = 64
# A mask continues in a tile if its IoU with a mask there is at least this in
# the overlap (our choice).
_LEAST_IOU = 0.5
# A mask counts as cut off if it comes nearer to the edge of its tile than one
# eighth of the overlap: segmenters are unsure at the edge itself (our choice).
_EDGE = 8
# A mask continues from points in its largest regions, this many at most (our
# choice).
_REGIONS = 3
# Prompts whose logits are in memory at once (our choice).
_PROMPTS = 64


class Lattice(NamedTuple):
    """Pixels in rows and columns, (R, C) each."""

    rows: np.ndarray
    cols: np.ndarray

    @classmethod
    def between(cls, grid: TileGrid, one: int, other: int) -> Lattice:
        """Returns pixels that two tiles share, with the last ones of `one`.

        They have at least 64 rows and columns where the tiles share as many.
        """
        box = intersect(grid.box(one), grid.box(other))
        step = max(min(box[2] - box[0], box[3] - box[1]) // _ROWS, 1)
        sides = []
        for axis in (0, 1):
            start, end = box[axis], box[axis + 2]
            if grid.box(other)[axis] < grid.box(one)[axis]:
                sides.append(np.arange(start, end, step))
            else:
                sides.append(np.arange(end - 1, start - 1, -step)[::-1])
        # Views: many masks wait for their parts, each with a lattice.
        return cls(*np.meshgrid(*sides, indexing='ij', copy=False))

    def read(self, part: Part, box: Box) -> np.ndarray:
        """Returns the values of a part, whose tile is `box`, (R, C) bool."""
        inside = part.contains(*self._within(box))
        return inside.reshape(self.rows.shape)

    def read_prompt(
        self, candidates: Candidates, prompt: int, box: Box
    ) -> np.ndarray:
        """Returns the values of all masks of a prompt, (M, R, C) bool.

        Args:
            candidates: candidates on a tile.
            prompt: index of the prompt.
            box: the tile.
        """
        prompts = slice(prompt, prompt + 1)
        inside = candidates.contains(*self._within(box), prompts)[0]
        return inside.reshape(len(inside), *self.rows.shape)

    def _within(self, box: Box) -> tuple[np.ndarray, np.ndarray]:
        """Returns rows and columns in pixels of a tile, (R * C,) each."""
        return self.rows.ravel() - box[0], self.cols.ravel() - box[1]


def split_points(
    grid: TileGrid, prompt: PointPrompt
) -> dict[int, PointPrompt]:
    """Returns a prompt's points by tile, in pixels of the tile.

    Points outside the image are moved to its edge.
    """
    last = np.array(grid.shape[::-1]) - 1
    points = prompt.points.clip(0, last)
    cols, rows = np.rint(points).astype(int).T
    return {
        tile: _localise(grid, tile, points[grid.holds(tile, rows, cols)])
        for tile in grid.holding(rows, cols)
    }


def _localise(grid: TileGrid, tile: int, points: np.ndarray) -> PointPrompt:
    origin = np.array(grid.box(tile)[1::-1], np.float32)
    return PointPrompt(points - origin)


def join_tiles(
    grid: TileGrid, decoded: dict[int, tuple[Candidates, int]]
) -> list[dict[int, Part]]:
    """Joins the candidates that one prompt has on several tiles.

    The masks of the first tile are ordered by area. Each further tile gives
    to each of them the mask that agrees best in their overlap or, if both
    are empty there, the mask of the same rank.

    Args:
        grid: tiles of the image.
        decoded: by tile the candidates and the place of the prompt.

    Returns:
        For each mask its parts by tile.
    """
    waiting = dict(decoded)
    joined: list[dict[int, Part]] = []
    while waiting:
        done = set(joined[0]) if joined else set()
        tile = next(
            (t for t in waiting if done.intersection(grid.beside(t))),
            next(iter(waiting)),
        )
        candidates, prompt = waiting.pop(tile)
        ranks = np.argsort(candidates.areas[prompt], kind='stable')
        parts = [DecodedPart(candidates, prompt, int(i)) for i in ranks]
        if not joined:
            joined = [{tile: part} for part in parts]
            continue
        iou = _iou_beside(grid, joined, tile, candidates, prompt)[:, ranks]
        for rank, masks in enumerate(joined):
            best, default = iou[rank].argmax(), min(rank, len(parts) - 1)
            if iou[rank, default] == iou[rank, best]:
                best = default
            masks[tile] = parts[best]
    return joined


def _iou_beside(
    grid: TileGrid,
    joined: Sequence[dict[int, Part]],
    tile: int,
    candidates: Candidates,
    prompt: int,
) -> np.ndarray:
    """Returns the IoU of joined masks with a tile's, where tiles overlap.

    Args:
        grid: tiles of the image.
        joined: J masks, each with parts on the same tiles.
        tile: a further tile.
        candidates: candidates on this tile.
        prompt: index of the prompt, which has M masks there.

    Returns:
        (J, M) float; 0 where both masks are empty.
    """
    counts = np.zeros((2, len(joined), candidates.areas.shape[1]), int)
    for other in sorted(set(joined[0]).intersection(grid.beside(tile))):
        lattice = Lattice.between(grid, other, tile)
        inside = lattice.read_prompt(candidates, prompt, grid.box(tile))
        for rank, masks in enumerate(joined):
            values = lattice.read(masks[other], grid.box(other))
            counts[:, rank] += _count_overlap(values, inside)
    shared, united = counts
    return shared / np.maximum(united, 1)


def _count_overlap(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the numbers of shared and of united pixels, (2, M) integers.

    Args:
        mask: (R, C) bool.
        others: (M, R, C) bool, compared with `mask` one by one.
    """
    # One by one: NumPy counts along axes much more slowly.
    shared = [np.count_nonzero(mask & other) for other in others]
    united = [np.count_nonzero(mask | other) for other in others]
    return np.array([shared, united])


@dataclass(eq=False)
class _OpenMask:
    """A mask that may continue in further tiles.

    Attributes:
        prompt: index of its prompt.
        parts: its parts by tile.
        prompted: tiles with a part, and tiles that were prompted for one.
        ends: tiles from which it may continue.
    """

    prompt: int
    parts: dict[int, Part]
    prompted: set[int]
    ends: list[int]


class _Request(NamedTuple):
    """A mask that may continue in a tile.

    Attributes:
        mask: the mask.
        prompt: the prompt for the tile.
        lattice: pixels of the overlap with the tile.
        bits: values of the mask there, eight in a byte: many masks wait for
            their tiles at once.
    """

    mask: _OpenMask
    prompt: PointPrompt
    lattice: Lattice
    bits: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """(R, C) bool, the values of the mask at the lattice."""
        shape = self.lattice.rows.shape
        return np.unpackbits(self.bits, axis=1, count=shape[1]).view(bool)


def continue_masks(
    grid: TileGrid,
    decode: DecodeTile,
    joined: Sequence[Sequence[dict[int, Part]]],
    reach: int,
) -> None:
    """Continues masks that the edges of their tiles cut off.

    A neighbouring tile is prompted in the middle of what a mask holds of the
    overlap. The mask there that agrees best with it in the overlap becomes a
    part, if it agrees at all. Source: our choice.

    Args:
        grid: tiles of the image.
        decode: returns candidates of prompts on a tile.
        joined: for each prompt and mask its parts, to which parts are added.
        reach: tiles by which a mask continues in each direction.
    """
    masks = [
        _OpenMask(prompt, parts, set(parts), list(parts))
        for prompt, masks_of_prompt in enumerate(joined)
        for parts in masks_of_prompt
    ]
    edges = _TileEdges(grid)
    for _ in range(reach):
        requests = _requests(grid, edges, masks)
        added: list[tuple[_OpenMask, int, Part]] = []
        # From the end: the tiles decoded last are still encoded.
        for tile in sorted(requests, reverse=True):
            added += _decode_requests(grid, decode, tile, requests.pop(tile))
        for mask in masks:
            mask.ends.clear()
        for mask, tile, part in reversed(added):
            mask.parts[tile] = part
            mask.ends.append(tile)


class _TileEdges:
    """Finds the neighbours into which a mask on a tile continues."""

    def __init__(self, grid: TileGrid) -> None:
        self._grid = grid
        self._edges: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def reached(self, tile: int, part: Part, lookups: dict) -> set[int]:
        """Returns the neighbours at whose side the mask meets the edge.

        `lookups` is that of `Part.contains`.
        """
        if tile not in self._edges:
            self._edges[tile] = self._pixels(tile)
        (rows, cols), others = self._edges[tile]
        return set(others[part.contains(rows, cols, lookups)].tolist())

    def _pixels(self, tile: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns (2, N) pixels of the tile, and (N,) neighbours there."""
        pixels, others = [], []
        for other in self._grid.beside(tile):
            lattice = Lattice.between(self._grid, tile, other)
            edge = _edge(self._grid, tile, other, lattice)
            pixels.append(np.stack([side[edge] for side in lattice]))
            others.append(np.full(np.count_nonzero(edge), other))
        origin = np.array(self._grid.box(tile)[:2])[:, None]
        # Half of the memory, since all tiles of an image may be there.
        places = (np.concatenate(pixels, axis=1) - origin).astype(np.int32)
        return places, np.concatenate(others).astype(np.int32)


def _edge(
    grid: TileGrid, tile: int, other: int, lattice: Lattice
) -> np.ndarray:
    """Returns (R, C) bool, the pixels near the edge towards a neighbour."""
    edge = np.zeros(lattice.rows.shape, bool)
    for axis in (0, 1):
        step = grid.place(other)[axis] - grid.place(tile)[axis]
        if step:
            width = max(edge.shape[axis] // _EDGE, 1)
            lines = slice(-width, None) if step > 0 else slice(width)
            edge[(slice(None),) * axis + (lines,)] = True
    return edge


def _requests(
    grid: TileGrid, edges: _TileEdges, masks: Sequence[_OpenMask]
) -> dict[int, list[_Request]]:
    """Returns by tile the requests for further parts of masks."""
    requests: dict[int, list[_Request]] = defaultdict(list)
    last, lookups = None, {}
    for mask in masks:
        if mask.prompt != last:
            # The masks of a prompt on a tile are looked up together.
            last, lookups = mask.prompt, {}
        for tile in mask.ends:
            reached = edges.reached(tile, mask.parts[tile], lookups)
            for other in sorted(reached - mask.prompted):
                mask.prompted.add(other)
                requests[other].append(_request(grid, mask, tile, other))
    return requests


def _request(
    grid: TileGrid, mask: _OpenMask, tile: int, other: int
) -> _Request:
    """Returns the request for a part in another tile."""
    lattice = Lattice.between(grid, tile, other)
    values = lattice.read(mask.parts[tile], grid.box(tile))
    points = _points(values, _edge(grid, tile, other, lattice))
    rows, cols = (side[tuple(points.T)] for side in lattice)
    inside = np.stack([cols, rows], 1).astype(np.float32)
    local = _localise(grid, other, inside)
    return _Request(mask, local, lattice, np.packbits(values, axis=1))


def _points(values: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Returns (K, 2) middles of the largest regions at an edge."""
    number, regions = cv2.connectedComponents(values.view(np.uint8))
    sizes = np.bincount(regions.ravel(), minlength=number)
    touching = np.setdiff1d(regions[edge], 0)
    largest = touching[np.argsort(-sizes[touching], kind='stable')]
    return np.array(
        [deepest_point(regions == region) for region in largest[:_REGIONS]]
    )


def _decode_requests(
    grid: TileGrid, decode: DecodeTile, tile: int, requests: list[_Request]
) -> Iterator[tuple[_OpenMask, int, Part]]:
    """Yields masks that continue in a tile, the tile, and the part there."""
    box = grid.box(tile)
    for first in range(0, len(requests), _PROMPTS):
        some = requests[first : first + _PROMPTS]
        candidates = decode(tile, [request.prompt for request in some])
        for place, request in enumerate(some):
            inside = request.lattice.read_prompt(candidates, place, box)
            shared, united = _count_overlap(request.values, inside)
            iou = shared / np.maximum(united, 1)
            if iou.max() >= _LEAST_IOU:
                best = DecodedPart(candidates, place, int(iou.argmax()))
                yield request.mask, tile, PackedPart.of(best)
