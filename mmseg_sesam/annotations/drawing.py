"""Draws the shapes of annotations into a label map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw
from skimage.draw import disk

from mmseg_sesam.annotations.base import NO_SHAPE, Annotation
from mmseg_sesam.annotations.files import shown
from mmseg_sesam.annotations.overlaps import (
    covered_shapes,
    draw_by_area,
    draw_in_order,
)
from mmseg_sesam.annotations.polygon_fill import pixels_within
from mmseg_sesam.core.candidates import MaskCrop
from mmseg_sesam.core.compose import ClassMask
from mmseg_sesam.structures import UNLABELLED

# Reason of a note.
NO_PIXEL = 'shape without a pixel, dropped'
OUTSIDE = ('drop', 'clip')
# Points outside by more than this many image sides are rejected as corrupt.
_FAR = 10
# A point for each degree, the ends of both axes among them.
_ELLIPSE_POINTS = 360


class Canvas:
    """Draws shapes over each other, and notes covered shapes.

    A point (x, y) belongs to the pixel that contains it: column floor(x),
    row floor(y). Pillow draws areas with the pixels of their outlines, as in
    the scripts of LabelMe and Cityscapes, unless `centres` is set. Lines
    have round ends and joints; the canvas thickens them itself, because
    OpenCV draws a width of 3 as 5 pixels, and Pillow a slanted 5 as 3.
    Every method raises a ValueError for points that are no numbers or lie
    far outside of the image, and leaves out shapes that lack points.

    Args:
        name: file, and image of a file of many, for errors and notes.
        size: width and height in pixels.
        outside: treatment of points of dots and lines outside of the image:
            'drop' leaves dots out and cuts lines at the border, 'clip' moves
            points to the nearest pixel, as is always done with those within
            a pixel of the border. Areas are always cut at the border.
        fill: value of pixels that no shape covers.
        names: names of the classes, for notes.
        by_area: draw smaller shapes over larger ones, for formats without an
            order of shapes; else later shapes lie over earlier ones.
        centres: fill the pixels whose centres lie within a polygon, for
            formats in which coordinates are distances from the border.

    Example:
        >>> canvas = Canvas('a.json', size=(4, 1))
        >>> canvas.line([(0, 0), (2, 0)], class_id=7, width=1)
        >>> canvas.annotation().label.tolist()
        [[7, 7, 7, 255]]
    """

    def __init__(
        self,
        name: str,
        size: tuple[int, int],
        outside: str = 'drop',
        fill: int = UNLABELLED,
        names: Sequence[str] = (),
        by_area: bool = False,
        centres: bool = False,
    ) -> None:
        self.name = name
        self.size = size
        self.outside = outside
        self.names = names
        self.by_area = by_area
        self.centres = centres
        self.notes: list[tuple[str, str]] = []
        self._shapes: list[ClassMask] = []
        self._line_ids: set[int] = set()
        self._area_ids: set[int] = set()
        self._filled = fill != UNLABELLED
        self._ground = np.full(size[::-1], fill, np.uint8)

    @property
    def label(self) -> np.ndarray:
        """(H, W) uint8, the shapes drawn so far."""
        return self._draw()[0]

    def annotation(self) -> Annotation:
        """Returns the label, with notes on omitted and covered shapes."""
        label, contested = self._draw()
        notes = [*self.notes]
        if not notes and not self._shapes:
            rest = ', all of it --undrawn' if self._filled else ''
            notes.append((f'{NO_SHAPE}{rest}', self.name))
        for smaller, larger in contested:
            reason = 'overlap of two shapes of about the same size, unlabelled'
            both = f'{self._of(smaller)} and {self._called(larger.class_id)}'
            notes.append((reason, both))
        for shape, above, whole in covered_shapes(self._shapes, label):
            word = 'completely' if whole else 'partly'
            reason = f'shape {word} covered by another class'
            both = f'{self._of(shape)} under {self._called(above)}'
            notes.append((reason, both))
        ids = dict(line_ids=self._line_ids, area_ids=self._area_ids)
        return Annotation(label, notes, **ids)

    def skip(
        self, kind: str, corners: Any = (), class_id: int | None = None
    ) -> None:
        """Leaves a shape out, with a note.

        The class of its pixels is unknown: pixels that no other shape covers
        are unlabelled, even if `fill` is a class.

        Args:
            kind: name of the shape, for the note.
            corners: (N, 2) points (x, y) around the shape; none if the shape
                may lie anywhere.
            class_id: class of the shape, for the note.
        """
        place, rest, detail = slice(None), '', self.name
        if class_id is not None:
            detail += f': {self._called(class_id)}'
        points = self.points(corners)
        if len(points):
            detail += ' at ({:.1f}, {:.1f})'.format(*points.min(0))
            low = np.clip(np.floor(points.min(0)), 0, None).astype(int)
            high = np.clip(np.floor(points.max(0)) + 1, 0, None).astype(int)
            place = tuple(map(slice, low[::-1], high[::-1]))
        elif self._filled:
            rest = ', and --undrawn not used in its image'
        self._ground[place] = UNLABELLED
        self.notes.append((f'{kind}, skipped{rest}', detail))

    def keeps(
        self, kind: str, points: np.ndarray, least: int, class_id: int
    ) -> bool:
        """Returns whether a shape has enough points; skips it otherwise.

        Tools leave shapes behind that a person began.

        Args:
            kind: name of the shape, for the note.
            points: (N, 2) points (x, y).
            least: number of points that the shape needs.
            class_id: class of the shape.
        """
        if len(points) < least:
            kind = f'unfinished {kind} (points: {len(points)})'
            self.skip(kind, points, class_id)
        return len(points) >= least

    def dots(self, points: Any, class_id: int, radius: int) -> None:
        """Draws a dot at each of (N, 2) points (x, y)."""
        points = self.points(points)
        if not self.keeps('point', points, 1, class_id):
            return
        dropped = 'point outside of the image, dropped'
        inside = self._settle(points, dropped)
        dots, corner = self._window(points, radius)
        for x, y in points[inside] - corner:
            dots[disk((y, x), radius + 0.5, shape=dots.shape)] = 1
        self._add(dots, class_id, *corner, thin=True)

    def line(self, points: Any, class_id: int, width: int) -> None:
        """Draws a line of `width` pixels along (N, 2) points (x, y)."""
        points = self.points(points)
        if not self.keeps('line', points, 1, class_id):
            return
        cut = 'line beyond the image, cut at its border'
        inside = self._settle(points, cut)
        stroke, corner = self._window(points, width)
        points = (points - corner).astype(np.int32)
        # OpenCV leaves out what lies outside.
        cv2.polylines(stroke, [points], False, 1)
        # OpenCV draws no line of a single point.
        columns, rows = points[inside].T
        stroke[rows, columns] = 1
        # The centre of an even width lies between two pixels.
        reach = np.arange(width) - (width - 1) / 2
        near = np.hypot(reach, reach[:, None]) < width / 2
        stroke = cv2.dilate(stroke, near.astype(np.uint8))
        self._add(stroke, class_id, *corner, thin=True)

    def polygon(self, points: Any, class_id: int) -> None:
        """Fills the polygon of three or more (N, 2) corners (x, y)."""
        points = self.points(points)
        if not self.keeps('polygon', points, 3, class_id):
            return
        if not self.centres:
            self._area('polygon', points, class_id)
            return
        mask, corner = pixels_within(points, self.size)
        if mask.any():
            self.note_cut(points)
            self._add(mask, class_id, *corner)
        else:
            self._note(NO_PIXEL, *points.min(0))

    def rectangle(self, points: Any, class_id: int) -> None:
        """Fills the rectangle around two or more (N, 2) corners (x, y)."""
        points = self.points(points)
        if self.keeps('rectangle', points, 2, class_id):
            corners = np.stack([points.min(0), points.max(0)])
            self._area('rectangle', corners, class_id)

    def circle(self, points: Any, class_id: int) -> None:
        """Fills the circle of a centre (x, y) and a point on its edge."""
        points = self.points(points)
        if not self.keeps('circle', points, 2, class_id):
            return
        centre, edge = points[:2]
        radius = np.hypot(*(edge - centre))
        box = np.stack([centre - radius, centre + radius])
        self._area('ellipse', box, class_id)

    def mask(self, mask: np.ndarray, corner: Any, class_id: int) -> None:
        """Fills an (h, w) bool mask whose top left pixel is (x, y)."""
        left, top = np.floor(self.points([corner])[0]).astype(int).tolist()
        width, height = self.size
        if not mask.any():
            self._note(NO_PIXEL, left, top)
            return
        self.note_cut(np.array([[0, 0], mask.shape[::-1]]) + [left, top])
        part = mask[
            max(-top, 0) : max(height - top, 0),
            max(-left, 0) : max(width - left, 0),
        ]
        self._add(part.astype(np.uint8), class_id, max(left, 0), max(top, 0))

    def points(self, points: Any) -> np.ndarray:
        """Returns points (x, y) as (N, 2) float64 after checking them.

        Raises:
            ValueError: they are no numbers, or lie far outside of the image.
        """
        points = pairs(points, self.name)
        far = ~(np.abs(points) <= _FAR * max(self.size)).all(1)
        if far.any():
            x, y = points[far][0]
            raise ValueError(
                f'{self.name} has the point ({x:.6g}, {y:.6g}), expected '
                f'pixels of an image of {self.size[0]} x {self.size[1]}; '
                'correct or remove that shape.'
            )
        return points

    def _window(
        self, points: np.ndarray, margin: int
    ) -> tuple[np.ndarray, tuple[int, int]]:
        """Returns an empty part of the image around points, and its corner.

        A part is faster than the image. It ends at the border of the image,
        where lines are cut, and holds one pixel if no point is near.

        Args:
            points: (N, 2) pixels (x, y).
            margin: pixels around the points.
        """
        last = np.subtract(self.size, 1)
        low = np.clip(points.min(0) - margin, 0, last).astype(int)
        high = np.clip(points.max(0) + margin, 0, last).astype(int)
        width, height = (high - low + 1).tolist()
        return np.zeros((height, width), np.uint8), tuple(low.tolist())

    def _settle(self, points: np.ndarray, dropped: str) -> np.ndarray:
        """Rounds points to pixels in place; returns (N,) bool, the inner ones.

        Args:
            points: (N, 2) points (x, y).
            dropped: reason of the notes about outer points that stay there.
        """
        clips = self.outside == 'clip'
        reason = 'point outside of the image, clipped' if clips else dropped
        outer = self._beyond(points).any(1)
        for x, y in points[outer]:
            self._note(reason, x, y)
        inside = ~outer | clips
        pixels = np.floor(points)
        clipped = np.clip(pixels, 0, np.subtract(self.size, 1))
        points[:] = np.where(inside[:, None], clipped, pixels)
        return inside

    def _beyond(self, points: np.ndarray) -> np.ndarray:
        """Returns (N, 2) bool: coordinates clearly outside of the image.

        Tools put points that are dragged to the border up to 1 outside.
        """
        return (points < -1) | (points > np.add(self.size, 1))

    def note_cut(self, points: np.ndarray) -> None:
        """Notes a shape of (N, 2) corners (x, y) that leaves the image."""
        low, high = points.min(0), points.max(0)
        if (high < 0).any() or (low >= self.size).any():
            self._note('shape outside of the image, dropped', *low)
        elif self._beyond(points).any():
            self._note('shape beyond the image, cut at its border', *low)

    def _area(self, kind: str, points: np.ndarray, class_id: int) -> None:
        self.note_cut(points)
        # A smaller canvas is faster. It begins at the left of the image:
        # Pillow computes columns from the rows' distances, and would round
        # those of a shape that is moved sideways in another way.
        top = int(np.clip(points[:, 1].min() - 1, 0, self.size[1]))
        size = np.clip(np.floor(points.max(0)) + 2, 0, self.size) - [0, top]
        image = Image.new('L', tuple(size.astype(int).tolist()))
        draw = getattr(ImageDraw.Draw(image), kind)
        draw([*map(tuple, points - [0, top])], fill=1, outline=1)
        box = image.getbbox()
        if box:
            left, first = box[:2]
            part = np.array(image.crop(box))
            self._add(part, class_id, left, first + top)

    def _add(
        self,
        mask: np.ndarray,
        class_id: int,
        left: int = 0,
        top: int = 0,
        thin: bool = False,
    ) -> None:
        if mask.any():
            crop = MaskCrop.of(mask > 0, (top, left))
            self._shapes.append(ClassMask.of(crop, class_id))
            if class_id != UNLABELLED:
                (self._line_ids if thin else self._area_ids).add(class_id)

    def _draw(self) -> tuple[np.ndarray, list[tuple[ClassMask, ClassMask]]]:
        """Returns the label, and pairs of shapes with unlabelled overlap."""
        label = self._ground.copy()
        if self.by_area:
            return label, draw_by_area(self._shapes, label)
        draw_in_order(self._shapes, label)
        return label, []

    def _called(self, class_id: int) -> str:
        if class_id == UNLABELLED:
            return 'unlabelled pixels'
        if class_id < len(self.names):
            return shown(self.names[class_id])
        return f'class {class_id}'

    def _of(self, shape: ClassMask) -> str:
        name = self._called(shape.class_id)
        return f'{self.name}: {name} at ({shape.col}, {shape.row})'

    def _note(self, reason: str, x: float, y: float) -> None:
        width, height = self.size
        self.notes.append(
            (reason, f'{self.name}: ({x:.1f}, {y:.1f}) of {width} x {height}')
        )


def pairs(points: Any, where: str) -> np.ndarray:
    """Returns points (x, y) as (N, 2) float64.

    Raises:
        ValueError: they are no pairs of numbers.
    """
    try:
        found = np.array(points if len(points) else np.empty((0, 2)), float)
    except (TypeError, ValueError, OverflowError):
        found = np.empty(0)
    if found.ndim != 2 or found.shape[1] != 2:
        raise ValueError(
            f'{where} has a shape with the points {shown(points)}, expected '
            'pairs of numbers (x, y); correct or remove that shape.'
        )
    return found


def ellipse_points(radii: Sequence[float]) -> np.ndarray:
    """Returns (N, 2) points of the ellipse about (0, 0) of radii in x, y."""
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], 1) * radii


def turn(points: np.ndarray, degrees: float) -> np.ndarray:
    """Returns (N, 2) points turned clockwise about (0, 0).

    Example:
        >>> turn(np.array([[2, 0]]), 90).round().tolist()
        [[0.0, 2.0]]
    """
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])
