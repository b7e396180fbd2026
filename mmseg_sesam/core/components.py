"""Weak label -> connected components of each class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import ndimage

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
    min_area: int = 0,
) -> list[Component]:
    """Splits a label into the 8-connected components of its classes.

    The components partition the labelled pixels, up to those that `min_area`
    drops. Source: step 1 of SeSAM (category-aware decomposition); dropping
    is our choice.

    Args:
        label: (H, W) uint8 class ids; 255 is unlabelled.
        from_person: (H, W) bool, true on pixels labelled by a person; by
            default all labelled pixels.
        min_area: smallest component, in pixels, that is returned if no
            person labelled any of its pixels.

    Returns:
        The components, in raster order of their first pixels.
    """
    components = []
    # `find_objects` leaves out 0, to which unlabelled pixels turn.
    windows = ndimage.find_objects(label + np.uint8(1))
    for class_id, window in enumerate(windows):
        if window is None:
            continue
        # A class at a time: numbers of all regions take four bytes a pixel.
        own = label[window] == class_id
        # OpenCV needs half of scikit-image's memory for its numbers.
        _, regions = cv2.connectedComponents(
            own.view(np.uint8), connectivity=8
        )
        origin = [side.start for side in window]
        for index, box in enumerate(ndimage.find_objects(regions), start=1):
            mask = regions[box] == index
            row0, col0 = (o + side.start for o, side in zip(origin, box))
            bbox = (row0, col0, row0 + mask.shape[0], col0 + mask.shape[1])
            components.append(Component(class_id, bbox, mask))
    if from_person is not None:
        components = [
            replace(c, from_person=bool(from_person[c.slices][c.mask].any()))
            for c in components
        ]
    kept = [c for c in components if c.from_person or c.area >= min_area]
    return sorted(kept, key=_first_pixel)


def deepest_point(mask: np.ndarray) -> tuple[int, int]:
    """Returns the pixel of a (h, w) bool mask farthest from its outside.

    Pixels beyond the array are outside. If several pixels are equally far,
    the first in raster order is returned, as (row, col).
    """
    depth = depth_in(mask)
    row, col = np.unravel_index(depth.argmax(), depth.shape)
    return int(row), int(col)


def _first_pixel(component: Component) -> tuple[int, int]:
    """Returns the first pixel (row, col) in raster order."""
    row, col = component.bbox[:2]
    return row, col + int(component.mask[0].argmax())
