"""Draws shapes that lie over each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from mmseg_sesam.structures import UNLABELLED

# Above this ratio of areas, the smaller shape may as well lie behind the
# larger one (our choice).
_MUCH_SMALLER = 0.5
# Share of a shape within another one: outlines of a window may cross the
# outline of its facade by some pixels (our choice).
_WITHIN = 0.9


class Shape(NamedTuple):
    """Pixels of one shape, eight in a byte, as images hold many shapes.

    Attributes:
        class_id: class of the pixels.
        top: row of the first pixel in the image.
        left: column of the first pixel in the image.
        size: height and width.
        bits: packed mask.
        area: number of pixels.
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
        """Packs an (h, w) uint8 mask, not 0 on the shape, at (left, top)."""
        x, y, width, height = cv2.boundingRect(mask)
        part = mask[y : y + height, x : x + width] > 0
        bits = np.packbits(part).tobytes()
        area = int(part.sum())
        return cls(class_id, top + y, left + x, (height, width), bits, area)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that `mask` covers."""
        height, width = self.size
        return (
            slice(self.top, self.top + height),
            slice(self.left, self.left + width),
        )

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool, True on the shape."""
        return self.rows(slice(0, self.size[0]))

    def rows(self, rows: slice) -> np.ndarray:
        """Returns some rows of `mask`, without unpacking the others."""
        width = self.size[1]
        first, last = rows.start * width, rows.stop * width
        packed = np.frombuffer(self.bits, np.uint8)[first // 8 : last // 8 + 1]
        bits = np.unpackbits(packed)[first % 8 :][: last - first]
        return bits.reshape(rows.stop - rows.start, width) > 0

    def shared(self, other: Shape) -> np.ndarray | None:
        """Returns the pixels of another shape, (h, w) bool; None if none."""
        ours, others = [], []
        for own, its in zip(self.window, other.window):
            start, stop = max(own.start, its.start), min(own.stop, its.stop)
            if start >= stop:
                return None
            ours.append(slice(start - own.start, stop - own.start))
            others.append(slice(start - its.start, stop - its.start))
        shared = np.zeros(self.size, bool)
        rows, columns = others
        shared[tuple(ours)] = other.rows(rows)[:, columns]
        shared &= self.mask
        return shared if shared.any() else None


def draw_in_order(shapes: Iterable[Shape], label: np.ndarray) -> None:
    """Draws each shape over the earlier ones, into an (H, W) uint8 label."""
    for shape in shapes:
        label[shape.window][shape.mask] = shape.class_id


def draw_by_area(
    shapes: Iterable[Shape], label: np.ndarray
) -> list[tuple[Shape, Shape]]:
    """Draws smaller shapes over larger ones, into an (H, W) uint8 label.

    People outline what they see, so a shape within another one, or a much
    smaller shape, lies in front. Either of two shapes of about the same size
    may lie in front: pixels that two classes share there are unlabelled. The
    result does not depend on the order of the shapes.

    Returns:
        Pairs of shapes, smaller and larger, whose shared pixels are
        unlabelled.
    """
    contested = []
    # The other keys make the order of equal areas independent of the input.
    ordered = sorted(
        shapes, key=lambda s: (-s.area, s.class_id, s.top, s.left, s.bits)
    )
    # An image may hold thousands of shapes: pairs whose boxes do not meet are
    # left out at once.
    boxes = np.array(
        [
            (s.top, s.left, s.top + s.size[0], s.left + s.size[1], s.class_id)
            for s in ordered
        ]
    ).reshape(-1, 5)
    first, stop, classes = boxes[:, :2], boxes[:, 2:4], boxes[:, 4]
    for index, shape in enumerate(ordered):
        draw_in_order([shape], label)
        meets = (
            (first[:index] < stop[index]) & (stop[:index] > first[index])
        ).all(axis=1)
        meets &= classes[:index] != shape.class_id
        for place in np.flatnonzero(meets):
            larger = ordered[place]
            shared = shape.shared(larger)
            if shared is not None and not _lies_on(shape, larger, shared):
                label[shape.window][shared] = UNLABELLED
                contested.append((shape, larger))
    return contested


def _lies_on(smaller: Shape, larger: Shape, shared: np.ndarray) -> bool:
    """Returns whether the smaller shape lies in front of the larger one."""
    share = smaller.area / larger.area
    within = shared.sum() / smaller.area >= _WITHIN and share <= _WITHIN
    return share <= _MUCH_SMALLER or within


def covered_shapes(
    shapes: Sequence[Shape], label: np.ndarray
) -> Iterator[tuple[Shape, int, bool]]:
    """Yields the shapes that other classes cover on a drawn label.

    Yields:
        The shape, the most frequent value of its covered pixels, and whether
        all of its pixels are covered.
    """
    for shape in shapes:
        seen = label[shape.window][shape.mask]
        lost = seen[seen != shape.class_id]
        if len(lost):
            above = int(np.bincount(lost).argmax())
            yield shape, above, len(lost) == len(seen)
