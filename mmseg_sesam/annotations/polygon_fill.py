"""Fills polygons of formats whose coordinates are continuous."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Crossings of edges and rows that are computed at once, or those of an edge
# if these are more; each takes 100 bytes (our choice).
_MOST_CROSSINGS = 1 << 18


def pixels_within(
    points: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, tuple[int, int]]:
    """Returns the pixels whose centres lie within a polygon.

    Where a polygon crosses itself, the even-odd rule decides. A centre on
    the common edge of two polygons belongs to one of them.

    Args:
        points: (N, 2) corners (x, y); (0, 0) is the upper left corner of the
            image, and `size` its lower right one.
        size: width and height of the image.

    Returns:
        (h, w) uint8, 1 within, around the part of the polygon in the image,
        and the column and row where it begins.

    Example:
        >>> square = np.array([[1, 0], [3, 0], [3, 2], [1, 2]])
        >>> mask, corner = pixels_within(square, size=(8, 6))
        >>> mask.tolist(), corner
        ([[1, 1], [1, 1]], (1, 0))
    """
    # Centres in [low, high) have the columns or rows in [ceil(low - 0.5),
    # ceil(high - 0.5)).
    low, high = (
        np.clip(np.ceil(side - 0.5), 0, size).astype(int)
        for side in (points.min(0), points.max(0))
    )
    width, height = (high - low).tolist()
    parity = np.zeros((height, width + 1), np.uint8)
    for columns, rows in _crossings(points, low[1], high[1]):
        columns = np.clip(columns, low[0], high[0]) - low[0]
        np.bitwise_xor.at(parity, (rows - low[1], columns), 1)
    mask = np.bitwise_xor.accumulate(parity, axis=1)[:, :-1]
    return mask, tuple(low.tolist())


def _crossings(
    points: np.ndarray, first: int, last: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields where some edges cross the centres of some rows of pixels.

    All crossings of many long edges may not fit into memory.

    Args:
        points: (N, 2) corners (x, y).
        first: first row.
        last: row after the last one.

    Yields:
        (M,) first columns whose centres are not left of a crossing, and
        (M,) rows.
    """
    after = np.roll(points, -1, axis=0)
    # From the upper end, so that an edge there and back, as a bridge to a
    # hole, crosses at equal columns and has no area.
    is_down = (points[:, 1] <= after[:, 1])[:, None]
    upper = np.where(is_down, points, after)
    lower = np.where(is_down, after, points)
    begin, end = (
        np.clip(np.ceil(ends[:, 1] - 0.5), first, last).astype(int)
        for ends in (upper, lower)
    )
    counts = end - begin
    before = counts.cumsum() - counts
    # Edges of one part begin within the same number of crossings.
    parts = np.flatnonzero(np.diff(before // _MOST_CROSSINGS)) + 1
    for part in np.split(np.arange(len(points)), parts):
        counted, ends = counts[part], end[part]
        edges = np.repeat(part, counted)
        rows = np.repeat(ends - counted.cumsum(), counted)
        rows += np.arange(len(rows))
        (x, y), (dx, dy) = upper[edges].T, (lower - upper)[edges].T
        x = x + (rows + 0.5 - y) * dx / dy
        yield np.ceil(x - 0.5).astype(int), rows
