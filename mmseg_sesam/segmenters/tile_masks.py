"""Masks on tiles of an image, joined to masks of the image."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from mmseg_sesam.core.candidates import Candidates, MaskCrop
from mmseg_sesam.core.tiles import Box, TileGrid, intersect, unite

# Rows and columns of pixels at which areas within a tile are estimated (our
# choice).
_SAMPLES = 64


class Part(Protocol):
    """A mask on one tile; pixels are those of the tile."""

    score: float
    area: float

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, lookups: dict | None = None
    ) -> np.ndarray:
        """Returns (N,) bool, whether pixels are inside.

        Args:
            rows: (N,) integers.
            cols: (N,) integers.
            lookups: cache of one prompt on one tile, empty at first. It
                does not store the pixels: give the same ones in each call.
        """

    def window(self) -> Box | None:
        """Returns a box that holds the mask, see `Candidates.window`."""

    def crop(self) -> MaskCrop:
        """Returns the mask."""


class DecodedPart(NamedTuple):
    """A candidate on a tile."""

    candidates: Candidates
    prompt: int
    index: int

    @property
    def score(self) -> float:
        """Predicted IoU."""
        return float(self.candidates.scores[self.prompt, self.index])

    @property
    def area(self) -> float:
        """Estimated pixels."""
        return float(self.candidates.areas[self.prompt, self.index])

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, lookups: dict | None = None
    ) -> np.ndarray:
        """See `Part.contains`."""
        lookups = {} if lookups is None else lookups
        key = id(self.candidates), self.prompt
        if key not in lookups:
            prompts = slice(self.prompt, self.prompt + 1)
            lookups[key] = self.candidates.contains(rows, cols, prompts)[0]
        return lookups[key][self.index]

    def window(self) -> Box | None:
        """See `Part.window`."""
        return self.candidates.window(slice(self.prompt, self.prompt + 1))

    def crop(self) -> MaskCrop:
        """See `Part.crop`."""
        return self.candidates.crop(self.prompt, self.index)


class PackedPart(NamedTuple):
    """A drawn mask on a tile, which takes less memory than its logits.

    Thousands of masks of a large image are continued at once, and most of
    them fill their tile or have few edges.

    Attributes:
        row: first row of the mask's box in the tile.
        col: first column.
        box: height and width of the box.
        bits: its pixels as bits, row after row, compressed.
        area: pixels of the mask.
        shape: height and width of the tile.
        score: predicted IoU.
    """

    row: int
    col: int
    box: tuple[int, int]
    bits: bytes
    area: float
    shape: tuple[int, int]
    score: float

    @classmethod
    def of(cls, part: DecodedPart) -> PackedPart:
        """Draws and packs a candidate."""
        crop = part.crop()
        return cls(
            crop.row,
            crop.col,
            crop.mask.shape,
            # The fastest level.
            zlib.compress(np.packbits(crop.mask, axis=1), 1),
            float(np.count_nonzero(crop.mask)),
            crop.shape,
            part.score,
        )

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, lookups: dict | None = None
    ) -> np.ndarray:
        """See `Part.contains`."""
        height, width = self.box
        rows, cols = rows - self.row, cols - self.col
        held = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        inside = np.zeros(len(held), bool)
        if held.any():
            rows, cols = rows[held], cols[held]
            inside[held] = (
                self._bytes()[rows, cols >> 3] >> (7 - (cols & 7)) & 1
            )
        return inside

    def window(self) -> Box:
        """See `Part.window`."""
        height, width = self.box
        return self.row, self.col, self.row + height, self.col + width

    def crop(self) -> MaskCrop:
        """See `Part.crop`."""
        mask = np.unpackbits(self._bytes(), axis=1, count=self.box[1])
        return MaskCrop(self.row, self.col, mask.view(bool), self.shape)

    def _bytes(self) -> np.ndarray:
        """Returns (h, w / 8) uint8, eight pixels in a byte."""
        flat = np.frombuffer(zlib.decompress(self.bits), np.uint8)
        height, width = self.box
        return flat.reshape(height, -(-width // 8))


class TiledCandidates(Candidates):
    """Candidates whose masks are joined from parts on tiles.

    A pixel is inside if the part on the tile in whose cell it lies says so.
    Where that tile has no part, it is inside if any part that reaches it
    says so. Scores are means of the parts by area.

    Args:
        grid: tiles of the image.
        parts: for each prompt and mask its parts, by number of the tile.
    """

    def __init__(
        self, grid: TileGrid, parts: Sequence[Sequence[dict[int, Part]]]
    ) -> None:
        self._grid, self._parts = grid, parts
        measures = [[self._measure(m) for m in masks] for masks in parts]
        # reshape for a segmenter that returns no candidate.
        self.scores, self.areas = np.moveaxis(
            np.array(measures, np.float32).reshape(len(parts), -1, 2), -1, 0
        )

    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`."""
        grid, chosen = self._grid, self._parts[prompts]
        owners = grid.owners(rows, cols)
        held = {}
        for tile in {t for masks in chosen for parts in masks for t in parts}:
            pixels = np.flatnonzero(grid.holds(tile, rows, cols))
            row, col = grid.box(tile)[:2]
            held[tile] = pixels, rows[pixels] - row, cols[pixels] - col
        inside = np.zeros((*self.scores[prompts].shape, len(rows)), bool)
        for rows_of_prompt, masks in zip(inside, chosen):
            lookups: dict = {}
            for values, parts in zip(rows_of_prompt, masks):
                # Where no part decides, any part does.
                free = ~np.isin(owners, list(parts))
                for tile, part in parts.items():
                    pixels, *places = held[tile]
                    decides = free[pixels] | (owners[pixels] == tile)
                    values[pixels] |= decides & part.contains(*places, lookups)
        return inside

    def window(self, prompts: slice) -> Box:
        """See `Candidates.window`."""
        return unite(
            [
                self._window(tile, part)
                for masks in self._parts[prompts]
                for parts in masks
                for tile, part in parts.items()
            ]
        )

    def _window(self, tile: int, part: Part) -> Box:
        """Returns a box of the image that holds a part."""
        box, own = self._grid.box(tile), part.window()
        if own is None:
            return box
        row, col = box[:2]
        return own[0] + row, own[1] + col, own[2] + row, own[3] + col

    def crop(self, prompt: int, index: int) -> MaskCrop:
        """See `Candidates.crop`."""
        grid, drawn = self._grid, {}
        for tile, part in self._parts[prompt][index].items():
            crop = part.crop()
            crop.check_size(grid.size)
            place = np.add(grid.box(tile)[:2], (crop.row, crop.col)).tolist()
            drawn[tile] = MaskCrop(*place, crop.mask, grid.shape)
        union = MaskCrop.union(list(drawn.values()))
        if len(drawn) == 1 or not union.mask.size:
            return union
        origin = union.row, union.col
        for tile, crop in drawn.items():
            row0, col0, row1, col1 = intersect(grid.cell(tile), union.box)
            if row0 < row1 and col0 < col1:
                cell = np.zeros((row1 - row0, col1 - col0), bool)
                crop.paste(cell, (row0, col0))
                union.mask[
                    row0 - origin[0] : row1 - origin[0],
                    col0 - origin[1] : col1 - origin[1],
                ] = cell
        return MaskCrop.of(union.mask, origin, grid.shape)

    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        return self.crop(prompt, index).whole()

    def _measure(self, parts: dict[int, Part]) -> tuple[float, float]:
        """Returns score and area of a mask."""
        areas = [part.area for part in parts.values()]
        if len(parts) > 1:
            areas = [
                area * self._own_share(parts, tile)
                for tile, area in zip(parts, areas)
            ]
        total = sum(areas)
        weights = areas if total > 0 else [1] * len(areas)
        scores = [part.score for part in parts.values()]
        return float(np.average(scores, weights=weights)), total

    def _own_share(self, parts: dict[int, Part], tile: int) -> float:
        """Returns the share of a part's mask that no other part decides."""
        row0, col0 = self._grid.box(tile)[:2]
        middles = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
        lines = [(middles * side).astype(int) for side in self._grid.size]
        grids = np.meshgrid(*lines, indexing='ij')
        rows, cols = (pixels.ravel() for pixels in grids)
        inside = parts[tile].contains(rows, cols)
        if not inside.any():
            return 1 / len(parts)
        rows, cols = rows[inside] + row0, cols[inside] + col0
        owners = self._grid.owners(rows, cols)
        # Where no part decides alone, the first that reaches it counts.
        free = ~np.isin(owners, list(parts))
        for other in parts:
            if other == tile:
                break
            free &= ~self._grid.holds(other, rows, cols)
        return float(np.mean((owners == tile) | free))
