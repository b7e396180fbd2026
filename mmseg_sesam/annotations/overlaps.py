"""Shapes that lie over each other -> label map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmseg_sesam.annotations.base import IGNORE_INDEX

# Our choice: above half the size, a shape may as well lie behind the other.
_MUCH_SMALLER = 0.5
# Outlines of a window may cross that of its facade by some pixels.
_WITHIN = 0.9


@dataclass(frozen=True)
class Shape:
    """Pixels of one shape; eight of them in a byte, as images hold many.

    Attributes:
        class_id: value that the shape gives to its pixels.
        top: row of its first pixel.
        left: column of its first pixel.
        size: height and width.
        bits: its mask, packed.
        area: number of its pixels.
    """

    class_id: int
    top: int
    left: int
    size: tuple[int, int]
    bits: bytes
    area: int

    @classmethod
    def of(
        cls, mask: np.ndarray, class_id: int, left: int = 0, top: int = 0
    ) -> Shape:
        """The shape of an (h, w) uint8 mask.

        Args:
            mask: not 0 on the shape.
            class_id: value that the shape gives to its pixels.
            left: column of the image that the mask begins at.
            top: row of the image that the mask begins at.
        """
        x, y, width, height = cv2.boundingRect(mask)
        part = mask[y : y + height, x : x + width] > 0
        return cls(
            class_id,
            top + y,
            left + x,
            (height, width),
            np.packbits(part).tobytes(),
            int(part.sum()),
        )

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the mask is of."""
        height, width = self.size
        return (
            slice(self.top, self.top + height),
            slice(self.left, self.left + width),
        )

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool, True on the shape."""
        bits = np.frombuffer(self.bits, np.uint8)
        area = self.size[0] * self.size[1]
        return np.unpackbits(bits, count=area).reshape(self.size) > 0

    def shared(self, other: Shape) -> np.ndarray | None:
        """(h, w) bool, True where the other shape lies, too; None: nowhere."""
        ours, others = [], []
        for first, length, other_first, other_length in zip(
            (self.top, self.left),
            self.size,
            (other.top, other.left),
            other.size,
        ):
            start = max(first, other_first)
            stop = min(first + length, other_first + other_length)
            if start >= stop:
                return None
            ours.append(slice(start - first, stop - first))
            others.append(slice(start - other_first, stop - other_first))
        shared = np.zeros(self.size, bool)
        shared[tuple(ours)] = other.mask[tuple(others)]
        shared &= self.mask
        return shared if shared.any() else None


def draw_in_order(shapes: Iterable[Shape], label: np.ndarray) -> None:
    """Draws shapes over each other, later ones over earlier ones.

    Args:
        shapes: in the order of drawing.
        label: (H, W) uint8, changed in place.
    """
    for shape in shapes:
        label[shape.window][shape.mask] = shape.class_id


def draw_by_area(
    shapes: Iterable[Shape], label: np.ndarray
) -> list[tuple[Shape, Shape]]:
    """Draws shapes that have no order, smaller ones over larger ones.

    People outline what they see, so a shape within another one, or a much
    smaller one, lies in front of it. Of shapes of about the same size either
    may lie in front: pixels that two classes share there are unlabelled. The
    result does not depend on the order of the shapes.

    Args:
        shapes: in any order.
        label: (H, W) uint8, changed in place.

    Returns:
        Pairs of shapes, smaller and larger, whose shared pixels are
        unlabelled.
    """
    contested = []
    # Beyond the area, anything that tells two shapes apart.
    ordered = sorted(
        shapes, key=lambda s: (-s.area, s.class_id, s.top, s.left, s.bits)
    )
    for index, shape in enumerate(ordered):
        draw_in_order([shape], label)
        for larger in ordered[:index]:
            if larger.class_id == shape.class_id:
                continue
            shared = shape.shared(larger)
            if shared is not None and not _lies_on(shape, larger, shared):
                label[shape.window][shared] = IGNORE_INDEX
                contested.append((shape, larger))
    return contested


def _lies_on(smaller: Shape, larger: Shape, shared: np.ndarray) -> bool:
    """Whether the smaller of two shapes lies in front of the larger one."""
    share = smaller.area / larger.area
    within = shared.sum() / smaller.area >= _WITHIN and share <= _WITHIN
    return share <= _MUCH_SMALLER or within


def covered_shapes(
    shapes: Sequence[Shape], label: np.ndarray
) -> Iterator[tuple[Shape, int, bool]]:
    """Shapes whose pixels have another value in the end.

    Args:
        shapes: all shapes of the image.
        label: (H, W) uint8, what they were drawn on.

    Yields:
        The shape, the value that most of its lost pixels have, and whether
        all of its pixels are lost.
    """
    for shape in shapes:
        seen = label[shape.window][shape.mask]
        lost = seen[seen != shape.class_id]
        if len(lost):
            above = int(np.bincount(lost).argmax())
            yield shape, above, len(lost) == len(seen)
