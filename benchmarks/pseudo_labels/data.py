"""Synthetic images and weak labels."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np


class Size(NamedTuple):
    """Height and width in pixels, and numbers of components and classes."""

    height: int
    width: int
    components: int
    classes: int


VOC = Size(375, 500, 15, 4)
CITYSCAPES = Size(1024, 2048, 120, 19)
# For tests of the programs.
SMALLEST = Size(48, 64, 2, 2)


def make_image(size: Size, seed: int = 0) -> np.ndarray:
    """Returns an image of smooth noise, (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.resize(
        coarse, (size.width, size.height), interpolation=cv2.INTER_CUBIC
    )


def make_label(
    size: Size, seed: int = 0, kind: str = 'scribble'
) -> np.ndarray:
    """Returns a weak label with one shape in each cell of a grid.

    Shapes do not touch, so that each is one component.

    Args:
        size: size of the label.
        seed: seed of the shapes.
        kind: 'scribble', a curve, or 'coarse', a blob on half of the cell.

    Returns:
        (H, W) uint8, 255 where unlabelled.
    """
    draw = dict(scribble=_draw_curve, coarse=_draw_blob)[kind]
    rng = np.random.default_rng(seed)
    label = np.full((size.height, size.width), 255, np.uint8)
    rows = max(round((size.components * size.height / size.width) ** 0.5), 1)
    cols = -(-size.components // rows)
    high, wide = size.height // rows, size.width // cols
    for index in range(size.components):
        row, col = divmod(index, cols)
        cell = label[row * high :, col * wide :][:high, :wide]
        draw(cell, index % size.classes, rng)
    return label


def _draw_curve(
    cell: np.ndarray, class_id: int, rng: np.random.Generator
) -> None:
    """Draws a wave across the middle of a cell, a tenth of it thick."""
    height, width = cell.shape
    x = np.linspace(0.2, 0.8, 30)
    phase, waves = rng.uniform(0, 6.28), rng.uniform(3, 9)
    y = 0.5 + 0.25 * np.sin(waves * x + phase)
    points = np.stack([x * width, y * height], axis=1).round().astype(int)
    thick = max(min(height, width) // 10, 1)
    canvas = np.zeros(cell.shape, np.uint8)
    cv2.polylines(canvas, [points.astype(np.int32)], False, 1, thick)
    cell[canvas > 0] = class_id


def _draw_blob(
    cell: np.ndarray, class_id: int, rng: np.random.Generator
) -> None:
    """Draws an ellipse with a wavy outline on about half of a cell."""
    height, width = cell.shape
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    waves = [np.sin(n * angle + rng.uniform(0, 6.28)) / n for n in (2, 3, 5)]
    radius = 0.38 + 0.06 * sum(waves)
    x, y = 0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)
    points = np.stack([x * width, y * height], axis=1).round()
    canvas = np.zeros(cell.shape, np.uint8)
    cv2.fillPoly(canvas, [points.astype(np.int32)], 1)
    cell[canvas > 0] = class_id
