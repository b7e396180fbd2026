"""Weak label -> connected components of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label as label_regions

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

    All classes are labelled in one pass. The components partition the
    labelled pixels, up to those that `min_area` drops. Source: step 1 of
    SeSAM (category-aware decomposition); joining and dropping are our
    choice.

    Args:
        label: (H, W) uint8 class ids; `ignore_index` is unlabelled.
        from_person: (H, W) bool, true on pixels labelled by a person; by
            default all labelled pixels.
        ignore_index: the value of unlabelled pixels.
        closing_radius: pieces of one class that meet when each is dilated
            by this many pixels (8 directions) within unlabelled pixels are
            one component. The dilated pixels are not part of it.
        min_area: smallest component, in pixels, that is kept if no person
            labelled any of its pixels.

    Returns:
        The components, in raster order of their first pixels.
    """
    if closing_radius:
        regions = _join_pieces(label, ignore_index, closing_radius)
    else:
        regions = label_regions(label, background=ignore_index, connectivity=2)
    components = []
    for index, box in enumerate(ndimage.find_objects(regions), start=1):
        mask = regions[box] == index
        by_person = from_person is None or bool(from_person[box][mask].any())
        if not by_person and np.count_nonzero(mask) < min_area:
            continue
        rows, cols = box
        components.append(
            Component(
                class_id=int(label[box][0, mask[0].argmax()]),
                bbox=(rows.start, cols.start, rows.stop, cols.stop),
                mask=mask,
                from_person=by_person,
            )
        )
    return components


def deepest_point(mask: np.ndarray) -> tuple[int, int]:
    """Returns the pixel of a (h, w) bool mask farthest from its outside.

    Pixels beyond the array are outside. Of several such pixels, the first in
    raster order is returned as (row, col).
    """
    depth = depth_in(mask)
    row, col = np.unravel_index(depth.argmax(), depth.shape)
    return int(row), int(col)


def _join_pieces(
    label: np.ndarray, ignore_index: int, radius: int
) -> np.ndarray:
    """Numbers regions such that the pieces of a broken stroke are one."""
    unlabelled = label == ignore_index
    joined = np.zeros(label.shape, int)
    for class_id in np.unique(label[~unlabelled]):
        own = label == class_id
        # One pixel a step, so that it stops at a line of another class.
        grown = ndimage.binary_dilation(
            own, np.ones((3, 3)), iterations=radius, mask=own | unlabelled
        )
        groups = label_regions(grown, connectivity=2)
        joined[own] = groups[own] + joined.max()
    # Numbers in raster order of the first pixel, without gaps.
    values, first, inverse = np.unique(
        joined, return_index=True, return_inverse=True
    )
    order = first[values > 0].argsort().argsort() + 1
    ranks = np.concatenate([np.zeros((values == 0).sum(), int), order])
    return ranks[inverse].reshape(joined.shape)
