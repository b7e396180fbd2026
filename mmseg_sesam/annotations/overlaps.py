"""Draws shapes that lie over each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mmseg_sesam.core.candidates import MaskCrop
from mmseg_sesam.core.compose import ClassMask
from mmseg_sesam.structures import UNLABELLED

# Above this ratio of areas, the smaller shape may as well lie behind the
# larger one (our choice).
_MUCH_SMALLER = 0.5
# Share of a shape within another one: outlines of a window may cross the
# outline of its facade by some pixels (our choice).
_WITHIN = 0.9


def draw_in_order(shapes: Iterable[ClassMask], label: np.ndarray) -> None:
    """Draws each shape over the earlier ones, into an (H, W) uint8 label."""
    for shape in shapes:
        label[shape.window][shape.mask] = shape.class_id


def draw_by_area(
    shapes: Iterable[ClassMask], label: np.ndarray
) -> list[tuple[ClassMask, ClassMask]]:
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
        shapes,
        key=lambda s: (-s.area, s.class_id, s.row, s.col, s.bits.tobytes()),
    )
    # An image may hold thousands of shapes: pairs whose boxes do not meet are
    # left out at once.
    windows = [[(s.start, s.stop) for s in one.window] for one in ordered]
    first, stop = np.array(windows).reshape(-1, 2, 2).transpose(2, 0, 1)
    classes = np.array([one.class_id for one in ordered])
    for index, shape in enumerate(ordered):
        draw_in_order([shape], label)
        meets = (
            (first[:index] < stop[index]) & (stop[:index] > first[index])
        ).all(axis=1)
        meets &= classes[:index] != shape.class_id
        for place in np.flatnonzero(meets):
            larger = ordered[place]
            shared = _shared(shape, larger)
            if shared.any() and not _lies_on(shape, larger, shared):
                label[shape.window][shared] = UNLABELLED
                contested.append((shape, larger))
    return contested


def _shared(one: ClassMask, other: ClassMask) -> np.ndarray:
    """Returns the pixels of a shape that another one has too, (h, w) bool."""
    start = max(one.row, other.row)
    stop = min(shape.window[0].stop for shape in (one, other))
    part = other.rows(slice(start - other.row, stop - other.row))
    shared = np.zeros((len(one.bits), one.width), bool)
    MaskCrop(start, other.col, part, shared.shape).paste(
        shared, (one.row, one.col)
    )
    return shared & one.mask


def _lies_on(
    smaller: ClassMask, larger: ClassMask, shared: np.ndarray
) -> bool:
    """Returns whether the smaller shape lies in front of the larger one."""
    share = smaller.area / larger.area
    within = shared.sum() / smaller.area >= _WITHIN and share <= _WITHIN
    return share <= _MUCH_SMALLER or within


def covered_shapes(
    shapes: Sequence[ClassMask], label: np.ndarray
) -> Iterator[tuple[ClassMask, int, bool]]:
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
