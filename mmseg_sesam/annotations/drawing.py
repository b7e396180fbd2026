"""Shapes that people drew -> label map."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw
from skimage.draw import disk

from .base import IGNORE_INDEX, Annotation

OUTSIDE = ('drop', 'clip')
# A point further outside than this many image sides is no slip of a hand.
_FAR = 10


class Canvas:
    """Draws shapes over each other, later ones over earlier ones.

    A point (x, y) belongs to the pixel that contains it: column floor(x),
    row floor(y). Areas are drawn by Pillow, as LabelMe and Cityscapes draw
    theirs. Lines have round ends and joints; they are thickened here, since
    OpenCV draws a width of 3 as 5 pixels, and Pillow a slanted one of 5 as 3.

    Args:
        name: file, and image if it holds many, for errors and notes.
        size: width and height, pixels.
        outside: what to do with points of dots and lines outside of the
            image: 'drop' leaves them out and interrupts a line there,
            'clip' moves them to the nearest pixel. Areas are always cut at
            the border.
        fill: value of pixels that no shape covers.
    """

    def __init__(
        self,
        name: str,
        size: tuple[int, int],
        outside: str = 'drop',
        fill: int = IGNORE_INDEX,
    ) -> None:
        self.name = name
        self.size = size
        self.outside = outside
        self.label = np.full(size[::-1], fill, np.uint8)
        self.notes: list[tuple[str, str]] = []

    def annotation(self) -> Annotation:
        """What is drawn, and what was left out."""
        return Annotation(self.label, self.notes)

    def dots(self, points: Any, class_id: int, radius: int) -> None:
        """Draws a dot at each of (N, 2) points (x, y).

        Raises:
            ValueError: they are no points near the image.
        """
        points = self.points(points)
        for x, y in points[self._settle(points)]:
            rows_columns = disk((y, x), radius + 0.5, shape=self.label.shape)
            self.label[rows_columns] = class_id

    def line(self, points: Any, class_id: int, width: int) -> None:
        """Draws a line of `width` pixels along (N, 2) points (x, y).

        Raises:
            ValueError: they are no points near the image.
        """
        points = self.points(points)
        inside = self._settle(points)
        breaks = np.flatnonzero(np.diff(inside)) + 1
        parts = np.split(points.astype(np.int32), breaks)
        stroke = np.zeros_like(self.label)
        # Every other part lies outside.
        first = 0 if inside[0] else 1
        cv2.polylines(stroke, parts[first::2], False, 1)
        # OpenCV draws no line of a single point.
        columns, rows = points[inside].astype(np.int32).T
        stroke[rows, columns] = 1
        # Of an even width it lies between the pixels.
        reach = np.arange(width) - (width - 1) / 2
        near = np.hypot(reach, reach[:, None]) < width / 2
        stroke = cv2.dilate(stroke, near.astype(np.uint8))
        self.label[stroke > 0] = class_id

    def polygon(self, points: Any, class_id: int) -> None:
        """Fills the polygon of (N, 2) corners (x, y).

        Raises:
            ValueError: they are no three points near the image.
        """
        self._area('polygon', self.points(points, 3), class_id)

    def rectangle(self, points: Any, class_id: int) -> None:
        """Fills the rectangle around (N, 2) corners (x, y).

        Raises:
            ValueError: they are no two points near the image.
        """
        points = self.points(points, 2)
        corners = np.stack([points.min(0), points.max(0)])
        self._area('rectangle', corners, class_id)

    def circle(self, points: Any, class_id: int) -> None:
        """Fills the circle of a centre (x, y) and a point on its edge.

        Raises:
            ValueError: they are no two points near the image.
        """
        centre, edge = self.points(points, 2)[:2]
        radius = np.hypot(*(edge - centre))
        box = np.stack([centre - radius, centre + radius])
        self._area('ellipse', box, class_id)

    def mask(self, mask: np.ndarray, corner: Any, class_id: int) -> None:
        """Fills a mask.

        Args:
            mask: (h, w) bool.
            corner: (x, y) of its top left pixel.
            class_id: value to be filled in.

        Raises:
            ValueError: the corner is no point near the image.
        """
        left, top = np.floor(self.points([corner])[0]).astype(int).tolist()
        width, height = self.size
        self._note_cut(np.array([[0, 0], mask.shape[::-1]]) + [left, top])
        part = mask[
            max(-top, 0) : max(height - top, 0),
            max(-left, 0) : max(width - left, 0),
        ]
        rows = slice(max(top, 0), max(top, 0) + part.shape[0])
        columns = slice(max(left, 0), max(left, 0) + part.shape[1])
        self.label[rows, columns][part] = class_id

    def points(self, points: Any, least: int = 1) -> np.ndarray:
        """Checks (N, 2) points (x, y), at least so many; (N, 2) float64.

        Raises:
            ValueError: they are fewer, or no points near the image.
        """
        try:
            points = np.array(points, np.float64)
        except (TypeError, ValueError, OverflowError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < least:
            raise ValueError(
                f'{self.name} has a shape without {least} points (x, y); '
                'correct or remove that shape.'
            )
        far = ~(np.abs(points) <= _FAR * max(self.size)).all(1)
        if far.any():
            x, y = points[far][0]
            raise ValueError(
                f'{self.name} has the point ({x:.6g}, {y:.6g}), expected '
                f'pixels of an image of {self.size[0]} x {self.size[1]}; '
                'correct or remove that shape.'
            )
        return points

    def _settle(self, points: np.ndarray) -> np.ndarray:
        """Rounds points to pixels in place; which of them are drawn."""
        pixels = np.floor(points)
        clipped = np.clip(pixels, 0, np.subtract(self.size, 1))
        inside = (pixels == clipped).all(1)
        word = 'dropped' if self.outside == 'drop' else 'clipped'
        for x, y in points[~inside]:
            self._note(f'point outside of the image, {word}', x, y)
        points[:] = clipped
        return inside | (self.outside == 'clip')

    def _area(self, kind: str, points: np.ndarray, class_id: int) -> None:
        self._note_cut(points)
        image = Image.fromarray(self.label)
        draw = getattr(ImageDraw.Draw(image), kind)
        draw([*map(tuple, points)], fill=class_id, outline=class_id)
        self.label = np.array(image)

    def _note_cut(self, points: np.ndarray) -> None:
        low, high = points.min(0), points.max(0)
        if (high < 0).any() or (low >= self.size).any():
            self._note('shape outside of the image, dropped', *low)
        # People drag corners onto the very border.
        elif (low < -1).any() or (high > np.add(self.size, 1)).any():
            self._note('shape beyond the image, cut at its border', *low)

    def _note(self, reason: str, x: float, y: float) -> None:
        width, height = self.size
        self.notes.append(
            (reason, f'{self.name}: ({x:.1f}, {y:.1f}) of {width} x {height}')
        )
