"""Weak label -> connected components of each class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import ndimage

from mmseg_sesam.core.bands import count_values
from mmseg_sesam.core.depth import depth_in


@dataclass(frozen=True, eq=False)
class Component:
    """A connected group of pixels that carry one class.

    Attributes:
        class_id: the class of its pixels.
        bbox: (row0, col0, row1, col1) in the image, half open, in pixels.
        mask: (row1 - row0, col1 - col0) bool, true on its pixels.
        from_person: whether a person labelled at least one of its pixels;
            False if all of them are predictions.
    """

    class_id: int
    bbox: tuple[int, int, int, int]
    mask: np.ndarray
    from_person: bool = True

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.mask))

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where the bounding box lies in the image: (rows, columns)."""
        row0, col0, row1, col1 = self.bbox
        return slice(row0, row1), slice(col0, col1)

    @property
    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Its pixels in the image: (rows, columns), in raster order."""
        rows, cols = np.nonzero(self.mask)
        return rows + self.bbox[0], cols + self.bbox[1]


def find_components(
    label: np.ndarray,
    from_person: np.ndarray | None = None,
    *,
    ignore_index: int = 255,
    closing_radius: int = 0,
    min_area: int = 0,
) -> list[Component]:
    """Splits a label into the 8-connected components of its classes.

    The components partition the labelled pixels, up to those that `min_area`
    drops. Source: step 1 of SeSAM (category-aware decomposition); joining
    and dropping are our choice.

    Args:
        label: (H, W) uint8 class ids; `ignore_index` is unlabelled.
        from_person: (H, W) bool, true on pixels labelled by a person; by
            default all labelled pixels.
        ignore_index: the value of unlabelled pixels.
        closing_radius: pieces of one class that meet when each is dilated
            by this many pixels (8 directions) within unlabelled pixels are
            one component. The dilated pixels are not part of it. Lines of
            another class separate, diagonal ones of one pixel included.
        min_area: smallest component, in pixels, that is kept if no person
            labelled any of its pixels.

    Returns:
        The components, in raster order of their first pixels.
    """
    components = []
    for class_id in np.flatnonzero(count_values(label)):
        if class_id == ignore_index:
            continue
        # A class at a time: numbers of all regions take four bytes a pixel.
        window = _window(label == class_id, closing_radius)
        part = label[window]
        regions = _number_regions(part, class_id, ignore_index, closing_radius)
        origin = [side.start for side in window]
        for index, box in enumerate(ndimage.find_objects(regions), start=1):
            mask = regions[box] == index
            row0, col0 = (o + side.start for o, side in zip(origin, box))
            bbox = (row0, col0, row0 + mask.shape[0], col0 + mask.shape[1])
            components.append(Component(int(class_id), bbox, mask))
    if from_person is not None:
        components = [
            replace(c, from_person=bool(from_person[c.slices][c.mask].any()))
            for c in components
        ]
    kept = [c for c in components if c.from_person or c.area >= min_area]
    return sorted(kept, key=_first_pixel)


def deepest_point(mask: np.ndarray) -> tuple[int, int]:
    """Returns the pixel of a (h, w) bool mask farthest from its outside.

    Pixels beyond the array are outside. Of several such pixels, the first in
    raster order is returned as (row, col).
    """
    depth = depth_in(mask)
    row, col = np.unravel_index(depth.argmax(), depth.shape)
    return int(row), int(col)


def _first_pixel(component: Component) -> tuple[int, int]:
    """Returns the first pixel (row, col) in raster order."""
    row, col = component.bbox[:2]
    return row, col + int(component.mask[0].argmax())


def _window(own: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Returns rows and columns around the true pixels of an image."""
    sides = []
    for axis, size in zip((1, 0), own.shape):
        found = np.flatnonzero(own.any(axis=axis))
        first, last = int(found[0]), int(found[-1])
        sides.append(
            slice(max(first - margin, 0), min(last + 1 + margin, size))
        )
    return tuple(sides)


def _number_regions(
    label: np.ndarray, class_id: int, ignore_index: int, radius: int
) -> np.ndarray:
    """Returns (h, w) int32 numbers of a class's regions, 0 elsewhere.

    Pieces of a broken stroke that meet within `radius` are one region.
    """
    own = label == class_id
    if not radius:
        return _connect(own)
    passable = _between(own | (label == ignore_index))
    # Diagonal neighbours of a class are connected, as without closing.
    passable[1::2, 1::2] |= own[:-1, :-1] & own[1:, 1:]
    passable[1::2, 1::2] |= own[1:, :-1] & own[:-1, 1:]
    start = np.zeros_like(passable)
    start[::2, ::2] = own
    # One cell a step, so that it stops at a line of another class. The
    # dilated masks of pieces 2 * radius pixels apart meet in the last step.
    grown = ndimage.binary_dilation(
        start, np.ones((3, 3)), iterations=2 * radius + 1, mask=passable
    )
    regions = _connect(grown)[::2, ::2].copy()
    regions[~own] = 0
    return regions


def _between(mask: np.ndarray) -> np.ndarray:
    """Adds cells between the pixels of a mask, true where it can be crossed.

    A cell between two pixels is true if both are. One between four pixels is
    true unless two that are diagonal are false: a line may run through them.

    Returns:
        (2 h - 1, 2 w - 1) bool, with the (h, w) pixels at even places.
    """
    height, width = mask.shape
    cells = np.zeros((2 * height - 1, 2 * width - 1), bool)
    cells[::2, ::2] = mask
    cells[1::2, ::2] = mask[:-1] & mask[1:]
    cells[::2, 1::2] = mask[:, :-1] & mask[:, 1:]
    falling = mask[:-1, :-1] | mask[1:, 1:]
    rising = mask[1:, :-1] | mask[:-1, 1:]
    cells[1::2, 1::2] = falling & rising
    return cells


def _connect(mask: np.ndarray) -> np.ndarray:
    """Returns (h, w) int32 numbers of 8-connected regions.

    OpenCV needs half of scikit-image's memory for its numbers.
    """
    return cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[1]
