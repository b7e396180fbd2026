"""Masks of a round, stored for components that the next one finds again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.components import Component
from mmseg_sesam.core.prompts import PointPrompt


class StoredMask(NamedTuple):
    """The mask of a component; empty if the component has none.

    Attributes:
        bbox: (row0, col0, row1, col1) in the image, half open, in pixels.
        crop: (row1 - row0, col1 - col0) bool.
        chosen: candidates taken as [prompt, index].
        predicted_iou: mean score of the candidates taken.
    """

    bbox: tuple[int, int, int, int] = (0, 0, 0, 0)
    crop: np.ndarray = np.zeros((0, 0), bool)
    chosen: list[list[int]] = []
    predicted_iou: float = 0.0

    @classmethod
    def of_mask(
        cls, mask: np.ndarray, chosen: list[list[int]], predicted_iou: float
    ) -> StoredMask:
        """Returns a (H, W) bool mask with at least one true pixel, cropped."""
        rows = np.flatnonzero(mask.any(axis=1))
        cols = np.flatnonzero(mask.any(axis=0))
        row0, row1 = int(rows[0]), int(rows[-1]) + 1
        col0, col1 = int(cols[0]), int(cols[-1]) + 1
        # A copy, so that the mask of the whole image is freed.
        crop = mask[row0:row1, col0:col1].copy()
        return cls((row0, col0, row1, col1), crop, chosen, predicted_iou)

    @property
    def area(self) -> int:
        """Number of pixels of the mask."""
        return int(np.count_nonzero(self.crop))

    def draw(self, shape: tuple[int, int]) -> np.ndarray:
        """Returns the mask at the size of the image, (H, W) bool."""
        mask = np.zeros(shape, bool)
        row0, col0, row1, col1 = self.bbox
        mask[row0:row1, col0:col1] = self.crop
        return mask


def component_name(
    component: Component, prompts: Sequence[PointPrompt]
) -> str:
    """Returns a name of all that the candidates of a component depend on.

    Args:
        component: a component of an image.
        prompts: prompts of the component.

    Returns:
        The same name for the same pixels, class and prompts.
    """
    digest = hashlib.sha1(str((component.class_id, component.bbox)).encode())
    digest.update(np.packbits(component.mask))
    for prompt in prompts:
        digest.update(np.ascontiguousarray(prompt.points, np.float64))
        digest.update(np.ascontiguousarray(prompt.labels, np.int64))
    return digest.hexdigest()


def save_masks(path: Path, masks: dict[str, StoredMask]) -> None:
    """Writes the masks of an image.

    Args:
        path: path of the .npz file, in an existing folder.
        masks: masks by the name of their component.
    """
    stored = list(masks.values())
    bits = [np.packbits(mask.crop) for mask in stored]
    chosen = [
        [index, *pair]
        for index, mask in enumerate(stored)
        for pair in mask.chosen
    ]
    np.savez_compressed(
        path,
        names=np.array(list(masks), dtype='U40'),
        bboxes=np.array([mask.bbox for mask in stored]).reshape(-1, 4),
        bits=np.concatenate(bits) if bits else np.zeros(0, np.uint8),
        chosen=np.array(chosen, np.int64).reshape(-1, 3),
        predicted_iou=np.array([mask.predicted_iou for mask in stored]),
    )


def load_masks(path: Path) -> dict[str, StoredMask]:
    """Returns the masks that `save_masks` wrote.

    Args:
        path: path of the .npz file.

    Returns:
        The masks by the name of their component; none if the file is
        missing or damaged, since the masks can be made again.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _unpack(**arrays)
    except Exception:  # noqa: BLE001, a damaged archive raises anything
        return {}


def _unpack(
    names: np.ndarray,
    bboxes: np.ndarray,
    bits: np.ndarray,
    chosen: np.ndarray,
    predicted_iou: np.ndarray,
) -> dict[str, StoredMask]:
    masks, start = {}, 0
    for index, name in enumerate(names):
        row0, col0, row1, col1 = map(int, bboxes[index])
        shape = row1 - row0, col1 - col0
        size = shape[0] * shape[1]
        stop = start + (size + 7) // 8
        crop = np.unpackbits(bits[start:stop], count=size).astype(bool)
        pairs = chosen[chosen[:, 0] == index, 1:].tolist()
        masks[str(name)] = StoredMask(
            (row0, col0, row1, col1),
            crop.reshape(shape),
            pairs,
            float(predicted_iou[index]),
        )
        start = stop
    return masks
