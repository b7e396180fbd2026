"""A segmenter that sees a large image in tiles."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.tiles import TileGrid
from mmseg_sesam.segmenters.base import BaseSegmenter
from mmseg_sesam.segmenters.tile_joining import (
    continue_masks,
    join_tiles,
    split_points,
)
from mmseg_sesam.segmenters.tile_masks import TiledCandidates
from mmseg_sesam.validators import CONFIG, check_option, count

# Raise it whenever the same settings give other masks.
MASK_VERSION = 2


class TiledEmbedding:
    """An image whose tiles are encoded when they are first needed.

    Args:
        image: (H, W, 3) uint8 in RGB.
        grid: its tiles.
    """

    def __init__(self, image: np.ndarray, grid: TileGrid) -> None:
        self.image, self.grid = image, grid
        # Embeddings by tile, the one that was used last at the end.
        self.encoded: OrderedDict[int, Any] = OrderedDict()


@TASK_UTILS.register_module()
class TiledSegmenter(BaseSegmenter):
    """Shows an image to another segmenter in tiles that overlap.

    A segmenter reduces each image to its own size, SAM to 1024 pixels a
    side, and thin strokes and small objects of a larger image vanish. Tiles
    keep their resolution. The masks of a component come from every tile that
    it touches, and are joined; masks that the edge of a tile cuts off
    continue in the next tile. An image that fits into one tile gets the
    masks of the segmenter itself.

    Only tiles with prompts are encoded, and few are kept, so that memory
    does not grow with the image. Tiles that are needed again are encoded
    again: put a `CachedSegmenter` inside to store each tile.

    Args:
        segmenter: config of the segmenter.
        tile: height and width of a tile in pixels. Set it to the side of the
            segmenter's input; lower it for objects of few pixels.
        overlap: pixels that neighbouring tiles share at least. Raise it if
            outlines differ where tiles meet.
        reach: tiles by which a mask continues beyond the tiles of its
            prompt, in each direction; 0 cuts it off. Raise it for objects
            larger than two tiles; each further tile costs time.
        tiles_in_memory: tiles of an image whose embeddings are kept, as fp32:
            4 MiB each for SAM, twice what a cache stores. They take RAM with
            a `CachedSegmenter` inside, otherwise memory of the segmenter's
            device. Raise it if memory allows, since it saves time.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> inner = dict(type='SuperpixelSegmenter')
        >>> segmenter = TiledSegmenter(inner, tile=64, overlap=16)
        >>> image = np.zeros((100, 150, 3), np.uint8)
        >>> (embedding,) = segmenter.encode([image])
        >>> prompt = PointPrompt(np.array([[70.0, 50.0]]))
        >>> segmenter.decode(embedding, [prompt]).mask(0, 2).shape
        (100, 150)
    """

    def __init__(
        self,
        segmenter: dict,
        tile: int = 1024,
        overlap: int = 256,
        reach: int = 1,
        tiles_in_memory: int = 64,
    ) -> None:
        owner = type(self).__name__
        check_option(owner, 'segmenter', segmenter, CONFIG)
        check_option(owner, 'tile', tile, count(2))
        # With more, most pixels would be in three tiles of a row.
        check_option(owner, 'overlap', overlap, count(1, tile // 2))
        check_option(owner, 'reach', reach, count())
        check_option(owner, 'tiles_in_memory', tiles_in_memory, count(1))
        self.tile, self.overlap, self.reach = tile, overlap, reach
        self.tiles_in_memory = tiles_in_memory
        self.segmenter = TASK_UTILS.build(segmenter)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`."""
        return dict(
            type=type(self).__name__,
            version=MASK_VERSION,
            tile=self.tile,
            overlap=self.overlap,
            reach=self.reach,
            segmenter=self.segmenter.fingerprint,
        )

    @property
    def images_at_once(self) -> int:
        """Number of threads of the segmenter."""
        return self.segmenter.images_at_once

    def to(self, device: str | torch.device) -> TiledSegmenter:
        """See `BaseSegmenter.to`."""
        self.segmenter.to(device)
        return self

    def tiles(self, shape: tuple[int, int]) -> TileGrid:
        """See `BaseSegmenter.tiles`."""
        return TileGrid.of(shape, self.tile, self.overlap)

    def encode(self, images: Sequence[np.ndarray]) -> list[TiledEmbedding]:
        """Returns embeddings whose tiles are encoded by `decode`."""
        return [
            TiledEmbedding(image, self.tiles(image.shape[:2]))
            for image in images
        ]

    def decode(
        self, embedding: TiledEmbedding, prompts: Sequence[PointPrompt]
    ) -> Candidates:
        """See `BaseSegmenter.decode`."""
        grid = embedding.grid
        if len(grid) == 1:
            return self._decode_tile(embedding, 0, prompts)
        by_tile: dict[int, list[tuple[int, PointPrompt]]] = defaultdict(list)
        for place, prompt in enumerate(prompts):
            for tile, part in split_points(grid, prompt).items():
                by_tile[tile].append((place, part))
        decoded: list[dict] = [{} for _ in prompts]
        for tile in sorted(by_tile):
            places, parts = zip(*by_tile[tile])
            candidates = self._decode_tile(embedding, tile, parts)
            for number, place in enumerate(places):
                decoded[place][tile] = candidates, number
        joined = [join_tiles(grid, candidates) for candidates in decoded]
        continue_masks(
            grid,
            lambda tile, parts: self._decode_tile(embedding, tile, parts),
            joined,
            self.reach,
        )
        return TiledCandidates(grid, joined)

    def _decode_tile(
        self,
        embedding: TiledEmbedding,
        tile: int,
        prompts: Sequence[PointPrompt],
    ) -> Candidates:
        """Returns candidates on a tile, of prompts in pixels of the tile."""
        encoded = embedding.encoded
        if tile not in encoded:
            row0, col0, row1, col1 = embedding.grid.box(tile)
            image = np.ascontiguousarray(embedding.image[row0:row1, col0:col1])
            # Room is made first.
            while len(encoded) >= self.tiles_in_memory:
                encoded.popitem(last=False)
            (encoded[tile],) = self.segmenter.encode([image])
        encoded.move_to_end(tile)
        candidates = self.segmenter.decode(encoded[tile], list(prompts))
        # Joined masks are of all prompts, so that nobody else would notice.
        candidates.check_number(len(prompts))
        return candidates
