"""Four steps beside the network, plain and as in this package."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

from mmseg_sesam.core.components import Component, find_components
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.segmenters import MaskCandidates

STAGES = ('label', 'skeletons', 'coverage', 'png')
MASKS = 3


class Plain:
    """The plain implementation: each step on the whole image.

    Args:
        label: (H, W) uint8 weak label.
        path: file of the PNG.
    """

    def __init__(self, label: np.ndarray, path: Path) -> None:
        self._label = label
        self._path = path
        self._parts = self.label()
        self._masks = [_candidate(part) for _, part in self._parts]

    def label(self) -> list[tuple[int, np.ndarray]]:
        """Returns class and (H, W) bool mask of each component."""
        parts = []
        for class_id in np.unique(self._label[self._label != 255]):
            regions, count = ndimage.label(
                self._label == class_id, np.ones((3, 3))
            )
            parts += [(class_id, regions == i + 1) for i in range(count)]
        return parts

    def skeletons(self) -> list[np.ndarray]:
        """Returns the skeleton pixels of each component."""
        return [np.argwhere(skeletonize(part)) for _, part in self._parts]

    def coverage(self) -> list[float]:
        """Returns the coverage of three masks for each component."""
        found = []
        for (_, part), mask in zip(self._parts, self._masks):
            for _ in range(MASKS):
                found.append(float((mask & part).sum() / part.sum()))
        return found

    def png(self) -> None:
        """Writes the label."""
        Image.fromarray(self._label).save(self._path, compress_level=9)


class Ours:
    """The implementation of this package, with the methods of `Plain`."""

    def __init__(self, label: np.ndarray, path: Path) -> None:
        self._label = label
        self._path = path
        self._components = self.label()
        self._candidates = []
        for component in self._components:
            whole = np.zeros(label.shape, bool)
            whole[component.pixels] = True
            masks = np.stack([_candidate(whole)] * MASKS)[None]
            self._candidates.append(MaskCandidates(masks, np.ones((1, MASKS))))

    def label(self) -> list[Component]:
        """Returns the components."""
        return find_components(self._label)

    def skeletons(self) -> Any:
        """Returns prompts, whose points are spread over skeletons."""
        return SkeletonPrompter()(self._components)

    def coverage(self) -> list[float]:
        """Returns what `Plain.coverage` returns, from labelled pixels.

        It looks up all components in each mask, and not its own alone.
        """
        pixels = LabelledPixels.gather(self._components)
        found = []
        for index, candidates in enumerate(self._candidates):
            (inside,) = candidates.contains(
                pixels.rows, pixels.cols, slice(0, 1)
            )
            found += pixels.shares(inside)[:, index].tolist()
        return found

    def png(self) -> None:
        """Writes the label."""
        write_label(self._path, self._label)


def whole(stage: Plain | Ours) -> Callable[[], None]:
    """Returns a function that runs all steps of a stage."""

    def run() -> None:
        for name in STAGES:
            getattr(stage, name)()

    return run


def _candidate(mask: np.ndarray) -> np.ndarray:
    """Returns a mask that a segmenter could return for a component."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((15, 15))) > 0
