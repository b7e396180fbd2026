"""Candidates held as low-resolution logits, and their place in the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.tiles import Box, unite

# Pixels looked up at once, which bounds the memory of `contains`.
PIXELS_PER_CHUNK = 8192


class Geometry(NamedTuple):
    """How an image lies in the square input of a segmenter.

    SAM 1 resizes the longer side to the square's and pads below and to the
    right; SAM 2 resizes each side to the square's, without padding.

    Attributes:
        image_size: (H, W) of the image.
        input_size: (H, W) of the image resized for the segmenter.
        side: height and width of the square that contains it.
        padded: whether the square is padded where the image ends. Masks of
            SAM 1 are resized to the square, then from the part that is the
            image; those of SAM 2 and 3 are resized to the image at once.

    Example:
        >>> padded = Geometry((300, 400), (768, 1024), side=1024)
        >>> square = Geometry((300, 400), (1024, 1024), 1024, padded=False)
        >>> points = np.array([[200.0, 150.0]])
        >>> padded.resize_points(points), square.resize_points(points)
        (array([[512., 384.]]), array([[512., 512.]]))
    """

    image_size: tuple[int, int]
    input_size: tuple[int, int]
    side: int
    padded: bool = True

    def resize_points(self, points: np.ndarray) -> np.ndarray:
        """Returns (..., 2) points (x, y) of the image, in the input."""
        height, width = self.image_size
        input_height, input_width = self.input_size
        scales = np.array([input_width / width, input_height / height])
        return points.astype(float) * scales

    def sample_grid(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Returns (N, 2) pixels as (x, y) from -1 to 1 in the square."""
        axes = [
            # Clipped to the outermost pixels of the resized image, as
            # bilinear resizing does.
            ((pixels + 0.5) * resized / size).clip(0.5, resized - 0.5)
            for pixels, resized, size in zip(
                (cols, rows), self.input_size[::-1], self.image_size[::-1]
            )
        ]
        return np.stack(axes, axis=-1) * 2 / self.side - 1

    def areas(self, logits: torch.Tensor, threshold: float) -> np.ndarray:
        """Returns (n, M) areas of (n, M, h, h) float logits.

        They are image pixels, estimated on the grid of the logits. The last
        row and column of cells count by the share of them that is image.
        """
        cells = [
            size * logits.shape[-1] / self.side for size in self.input_size
        ]
        rows, cols = (int(np.ceil(count)) for count in cells)
        inside = logits[..., :rows, :cols] > threshold
        by_row = inside.sum(-1) - (cols - cells[1]) * inside[..., -1]
        total = by_row.sum(-1) - (rows - cells[0]) * by_row[..., -1]
        share = (total / np.prod(cells)).clamp(max=1)
        return _to_numpy(share * np.prod(self.image_size))

    def windows(self, logits: torch.Tensor, threshold: float) -> np.ndarray:
        """Returns (n, 4) boxes of pixels that hold all masks of a prompt.

        Pixels between the cells of (n, M, h, h) float logits get values
        between theirs: beyond the cells next to a mask is no mask.
        """
        inside = (logits > threshold).any(dim=1)
        number = inside.shape[-1]
        firsts, ends = [], []
        for axis in (0, 1):
            cells = inside.any(dim=2 - axis).cpu().numpy()
            pixels = self.side / number / self.input_size[axis]
            pixels *= self.image_size[axis]
            first = cells.argmax(axis=1) - 1
            end = number + 1 - cells[:, ::-1].argmax(axis=1)
            firsts.append(np.floor(first * pixels))
            ends.append(np.ceil(end * pixels))
        return np.stack([*firsts, *ends], axis=1).astype(int)

    def draw(self, logits: torch.Tensor, threshold: float) -> np.ndarray:
        """Returns the mask of (h, h) float32 logits, (H, W) bool.

        With padding, the logits are resized twice, as `postprocess_masks` of
        SAM does: to the square, and the image in it to the size of the
        image. Padding is left out, except beside the image.
        """
        if not self.padded:
            drawn = _resize(logits, self.image_size)
            return (drawn > threshold).cpu().numpy()
        scale = self.side // logits.shape[-1]
        height, width = (side // scale + 2 for side in self.input_size)
        logits = logits[:height, :width]
        resized = _resize(logits, [side * scale for side in logits.shape])
        height, width = self.input_size
        drawn = _resize(resized[:height, :width], self.image_size)
        return (drawn > threshold).cpu().numpy()


class DecodedBatch(NamedTuple):
    """What a decoder returned for n prompts.

    Attributes:
        indices: places of the prompts among all prompts of the image.
        logits: (n, M, h, h) float32.
        scores: (n, M) float, predicted IoU.
    """

    indices: list[int]
    logits: torch.Tensor
    scores: torch.Tensor


class LogitCandidates(Candidates):
    """Candidates that are held as low-resolution logits.

    Masks at full size are most of a decoder's time and memory, and only the
    selected ones are drawn.

    Args:
        batches: the decoded prompts of one image.
        geometry: place of the image in the logits' square.
        threshold: logit above which a pixel is inside.
    """

    def __init__(
        self,
        batches: Sequence[DecodedBatch],
        geometry: Geometry,
        threshold: float = 0.0,
    ) -> None:
        self._geometry = geometry
        self._threshold = threshold
        # Batches are on two devices if decoding moved to the CPU.
        device = batches[-1].logits.device
        order = [index for batch in batches for index in batch.indices]
        ranks = np.argsort(order)
        # Views: the logits are not copied.
        flat = [own for batch in batches for own in batch.logits.to(device)]
        self._logits = [flat[rank] for rank in ranks]
        scores = [_to_numpy(batch.scores.clamp(0, 1)) for batch in batches]
        areas = [geometry.areas(batch.logits, threshold) for batch in batches]
        boxes = [
            geometry.windows(batch.logits, threshold) for batch in batches
        ]
        self.scores, self.areas, self._windows = (
            np.concatenate(parts)[ranks] for parts in (scores, areas, boxes)
        )

    @torch.inference_mode()
    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`.

        It interpolates logits once and `mask` twice, so that both may differ
        at the edge of a mask.
        """
        logits = torch.stack(self._logits[prompts])
        planes = logits.flatten(0, 1)[None]
        grid = self._geometry.sample_grid(rows, cols)
        grid = torch.from_numpy(grid).to(planes)
        inside = [
            F.grid_sample(
                planes,
                pixels[None, None],
                padding_mode='border',
                align_corners=False,
            )
            > self._threshold
            for pixels in grid.split(PIXELS_PER_CHUNK)
        ]
        inside = torch.cat(inside, dim=-1).cpu().numpy()
        return inside.reshape(*logits.shape[:2], len(rows))

    def window(self, prompts: slice) -> Box:
        """See `Candidates.window`."""
        return unite(self._windows[prompts])

    @torch.inference_mode()
    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`."""
        logits = self._logits[prompt][index].float()
        return self._geometry.draw(logits, self._threshold)


def _resize(logits: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Returns (h, w) float32 logits, resized bilinearly.

    On a CPU OpenCV takes a quarter of torch's time for the same.
    """
    if logits.device.type == 'cpu':
        height, width = size
        return torch.from_numpy(cv2.resize(logits.numpy(), (width, height)))
    return F.interpolate(
        logits[None, None], size, mode='bilinear', align_corners=False
    )[0, 0]


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
