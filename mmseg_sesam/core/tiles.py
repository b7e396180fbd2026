"""Overlapping tiles of a large image, and prompts in each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_sesam.core.components import Component, deepest_point
from mmseg_sesam.core.prompts import PointPrompt, spread_evenly
from mmseg_sesam.core.skeleton import Curve, walk_skeletons

Box = tuple  # (row0, col0, row1, col1), half open, in pixels.


@dataclass(frozen=True, eq=False)
class TileGrid:
    """Equally large tiles over an image, numbered row after row.

    The cell of a tile has the pixels that are nearer to its middle than to
    that of any other tile, so that cells do not overlap.

    Attributes:
        shape: (H, W) of the image.
        size: (h, w) of each tile.
        rows: first row of each row of tiles.
        cols: first column of each column of tiles.

    Example:
        >>> grid = TileGrid.of((100, 220), tile=100, overlap=20)
        >>> [grid.box(number) for number in range(len(grid))]
        [(0, 0, 100, 100), (0, 60, 100, 160), (0, 120, 100, 220)]
        >>> grid.cell(1)
        (0, 80, 100, 140)
    """

    shape: tuple[int, int]
    size: tuple[int, int]
    rows: tuple[int, ...]
    cols: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, int], tile: int, overlap: int) -> TileGrid:
        """Returns the fewest tiles that cover an image.

        Args:
            shape: (H, W) of the image.
            tile: height and width of a tile, or less in a smaller image.
            overlap: pixels that neighbours share at least.
        """
        size = min(tile, shape[0]), min(tile, shape[1])
        starts = [
            np.linspace(0, n - s, 1 + -(-(n - s) // (tile - overlap)))
            for n, s in zip(shape, size)
        ]
        rows, cols = (tuple(s.round().astype(int).tolist()) for s in starts)
        return cls((shape[0], shape[1]), size, rows, cols)

    def __len__(self) -> int:
        return len(self.rows) * len(self.cols)

    def place(self, number: int) -> tuple[int, int]:
        """Returns row and column of a tile in the grid."""
        return divmod(number, len(self.cols))

    def box(self, number: int) -> Box:
        """Returns the pixels of a tile."""
        row, col = self.place(number)
        row, col = self.rows[row], self.cols[col]
        return row, col, row + self.size[0], col + self.size[1]

    def cell(self, number: int) -> Box:
        """Returns the pixels of a tile's cell."""
        row, col = self.place(number)
        edges = self._edges(0), self._edges(1)
        return (
            edges[0][row],
            edges[1][col],
            edges[0][row + 1],
            edges[1][col + 1],
        )

    def owners(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Returns (N,) numbers of the cells that hold N pixels."""
        row, col = (
            np.searchsorted(self._edges(axis)[1:-1], pixels, side='right')
            for axis, pixels in enumerate((rows, cols))
        )
        return row * len(self.cols) + col

    def holds(
        self, number: int, rows: np.ndarray, cols: np.ndarray
    ) -> np.ndarray:
        """Returns (N,) bool, whether pixels are in a tile."""
        row0, col0, row1, col1 = self.box(number)
        return (rows >= row0) & (rows < row1) & (cols >= col0) & (cols < col1)

    def holding(self, rows: np.ndarray, cols: np.ndarray) -> list[int]:
        """Returns the tiles that hold any of (N,) pixels."""
        ends = [
            [
                np.searchsorted(starts, pixels - shift, side='right')
                for starts, pixels, shift in zip(
                    (self.rows, self.cols), (rows, cols), shifts
                )
            ]
            for shifts in (self.size, (0, 0))
        ]
        return sorted(
            {
                r * len(self.cols) + c
                for row0, col0, row1, col1 in zip(*ends[0], *ends[1])
                for r in range(row0, row1)
                for c in range(col0, col1)
            }
        )

    def touched(self, box: Box) -> list[int]:
        """Returns the tiles whose cells have pixels of a box."""
        ranges = []
        for axis in (0, 1):
            edges = self._edges(axis)[1:-1]
            first = np.searchsorted(edges, box[axis], side='right')
            last = np.searchsorted(edges, box[axis + 2] - 1, side='right')
            ranges.append(range(int(first), int(last) + 1))
        return [r * len(self.cols) + c for r in ranges[0] for c in ranges[1]]

    def beside(self, number: int) -> list[int]:
        """Returns the up to eight neighbours of a tile."""
        row, col = self.place(number)
        return [
            r * len(self.cols) + c
            for r in range(max(row - 1, 0), min(row + 2, len(self.rows)))
            for c in range(max(col - 1, 0), min(col + 2, len(self.cols)))
            if (r, c) != (row, col)
        ]

    def _edges(self, axis: int) -> list[int]:
        """Returns where cells begin, and where the last one ends."""
        starts, size = (self.rows, self.cols)[axis], self.size[axis]
        middles = [(a + size + b) // 2 for a, b in zip(starts, starts[1:])]
        return [0, *middles, self.shape[axis]]


def intersect(one: Box, other: Box) -> Box:
    """Returns the pixels that two boxes share."""
    return (*map(max, one[:2], other[:2]), *map(min, one[2:], other[2:]))


def unite(boxes: np.ndarray | Sequence[Box]) -> Box:
    """Returns the smallest box around (N, 4) boxes; an empty one for none."""
    if not len(boxes):
        return 0, 0, 0, 0
    row0, col0, row1, col1 = np.transpose(boxes)
    return row0.min(), col0.min(), row1.max(), col1.max()


def prompt_in_tiles(
    grid: TileGrid,
    components: Sequence[Component],
    prompts: Sequence[list[PointPrompt]],
) -> list[list[PointPrompt]]:
    """Adds prompts so that each tile that a component touches has a point.

    A prompter places points by the length of a component, and a tile between
    two of them would show nothing of a stroke that crosses it. The point
    added to a tile is the middle of the skeleton of the component's piece in
    the tile's cell; it joins the first prompt, which has all points, and is a
    prompt alone. Source: our choice.

    Args:
        grid: tiles of the image.
        components: components of the image's label.
        prompts: for each component its prompts, the one with all points
            first.
    """
    if len(grid) == 1:
        return list(prompts)
    return [
        _add_points(own, _missing_points(grid, component, own[0]))
        for component, own in zip(components, prompts)
    ]


def _missing_points(
    grid: TileGrid, component: Component, together: PointPrompt
) -> np.ndarray:
    """Returns (K, 2) points (x, y) of a component in tiles without one."""
    points = np.rint(together.points).astype(int)
    pieces, origins = [], []
    known = grid.holding(points[:, 1], points[:, 0])
    for number in sorted(set(grid.touched(component.bbox)) - set(known)):
        box = intersect(grid.cell(number), component.bbox)
        rows, cols = (
            slice(box[a] - component.bbox[a], box[a + 2] - component.bbox[a])
            for a in (0, 1)
        )
        piece = component.mask[rows, cols]
        if piece.any():
            pieces.append(piece)
            origins.append(box[:2])
    found = [
        origin + _middle(piece, curve)
        for origin, piece, curve in zip(
            map(np.array, origins), pieces, walk_skeletons(pieces)
        )
    ]
    return np.array(found, np.float32).reshape(-1, 2)[:, ::-1]


def _middle(piece: np.ndarray, curve: Curve) -> np.ndarray:
    """Returns the pixel (row, col) in the middle of a piece's skeleton."""
    if len(curve.coords) <= 1:
        return np.array(deepest_point(piece))
    return spread_evenly(curve.coords, curve.steps, 1)[0]


def _add_points(
    prompts: list[PointPrompt], points: np.ndarray
) -> list[PointPrompt]:
    """Returns prompts with further points, (K, 2) as (x, y)."""
    if not len(points):
        return prompts
    joined = PointPrompt(np.concatenate([points, prompts[0].points]))
    # A single point is a prompt alone, now that another one joins it.
    first = prompts if len(prompts) == 1 else prompts[1:]
    return [joined, *first, *map(PointPrompt, points[:, None])]
