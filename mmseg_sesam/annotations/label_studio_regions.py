"""Points and masks of the regions in Label Studio's exports."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from mmseg_sesam.annotations.brush_rle import decode_brush
from mmseg_sesam.annotations.drawing import (
    Canvas,
    ellipse_points,
    pairs,
    turn,
)
from mmseg_sesam.annotations.files import read_opacity, take

# Digits of coordinates in pixels: a percentage has rounding errors.
_DIGITS = 6
_PNG = 'data:image/png;base64,'


def to_pixels(canvas: Canvas, points: Any) -> np.ndarray:
    """Returns (N, 2) points in percent of the sides as pixels."""
    points = pairs(points, canvas.name) * canvas.size / 100
    return canvas.points(points).round(_DIGITS)


def take_point(canvas: Canvas, value: dict) -> np.ndarray:
    """Returns the (1, 2) point of a region."""
    return to_pixels(canvas, _numbers(canvas, value, 'x y'))


def rectangle_corners(canvas: Canvas, value: dict) -> np.ndarray:
    """Returns the corners of a rectangle, turned about its first one."""
    corner, sides = to_pixels(
        canvas, _numbers(canvas, value, 'x y', 'width height')
    )
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * sides
    return turn(corners, _rotation(canvas, value)) + corner


def ellipse_outline(canvas: Canvas, value: dict) -> np.ndarray:
    """Returns points of an ellipse, turned about its centre."""
    centre, radii = to_pixels(
        canvas, _numbers(canvas, value, 'x y', 'radiusX radiusY')
    )
    return turn(ellipse_points(radii), _rotation(canvas, value)) + centre


def vector_paths(canvas: Canvas, vertices: list) -> list[list[list[float]]]:
    """Returns the paths of a vector, points (x, y) in percent of the sides.

    A vertex names the one before it. A branch begins a path of its own, and
    the path of a closed vector ends where it begins.
    """
    points = {
        take(vertex, 'id', str, canvas.name): point
        for vertex in vertices
        for point in _numbers(canvas, vertex, 'x y')
    }
    paths: list[list[list[float]]] = []
    end = None
    for vertex in vertices:
        name, before = vertex['id'], vertex.get('prevPointId')
        if not isinstance(before, str) or before not in points:
            paths.append([])
        elif before != end:
            paths.append([points[before]])
        paths[-1].append(points[name])
        end = name
    return paths


def brush_mask(canvas: Canvas, code: Any) -> np.ndarray:
    """Returns the (H, W) bool mask of a brush, from its `rle`."""
    try:
        if not isinstance(code, list):
            raise ValueError('it is no list of bytes')
        return decode_brush(bytes(code), canvas.size)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f'{canvas.name} has a brush whose rle cannot be decoded '
            f'({error}); export it again.'
        ) from error


def bitmask(canvas: Canvas, url: str) -> np.ndarray:
    """Returns the (H, W) bool mask of a bitmask, from its `imageDataURL`.

    The editor draws black on a transparent image of the photo's size.
    """
    subject = f'{canvas.name} has a bitmask that'
    try:
        if not url.startswith(_PNG):
            raise ValueError(f'it does not begin with {_PNG}')
        data = base64.b64decode(url[len(_PNG) :], validate=True)
    except ValueError as error:
        raise ValueError(
            f'{subject} cannot be decoded ({error}); export it again.'
        ) from error
    return read_opacity(data, canvas.size, subject)


def _numbers(canvas: Canvas, value: Any, *names: str) -> list[list[float]]:
    """Returns pairs of numbers of a region, by their names."""
    return [
        [take(value, key, (int, float), canvas.name) for key in pair.split()]
        for pair in names
    ]


def _rotation(canvas: Canvas, value: dict) -> float:
    """Returns the rotation of a region, clockwise in degrees."""
    degrees = 0
    if value.get('rotation') is not None:
        degrees = take(value, 'rotation', (int, float), canvas.name)
    # Python's modulo works for integers of any size.
    return float(degrees % 360)
