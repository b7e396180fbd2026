"""Small photos of striped animals, with the JSON files of LabelMe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import numpy as np
from PIL import Image

SIZE = (72, 96)
# Of the background and the two animals, which are stripes here.
COLOURS = np.array([[90, 140, 60], [220, 120, 40], [40, 60, 200]])


def shape(kind: str, label: str, points: list) -> dict:
    return dict(label=label, points=points, shape_type=kind, flags={})


def strokes(borders: np.ndarray) -> list[dict]:
    """A line down the middle of each stripe."""
    edges = [0, *borders.tolist(), SIZE[1]]
    return [
        shape('linestrip', name, [[(x0 + x1) / 2, y] for y in (8, 64)])
        for name, x0, x1 in zip(('background', 'cat', 'dog'), edges, edges[1:])
    ]


def outlines(borders: np.ndarray) -> list[dict]:
    """Polygons around the animals alone."""
    edges = [*borders.tolist(), SIZE[1]]
    return [
        shape('polygon', name, [[x0, 0], [x1, 0], [x1, 72], [x0, 72]])
        for name, x0, x1 in zip(('cat', 'dog'), edges, edges[1:])
    ]


def write_photo(
    path: Path,
    rng: np.random.Generator,
    draw: Callable[[np.ndarray], list[dict]] | None,
) -> np.ndarray:
    """Writes a photo, and a JSON file beside it unless `draw` is None.

    Returns:
        Columns at which the second and the third stripe begin.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    borders = rng.integers(20, 40) + np.array([0, 25])
    classes = np.digitize(np.arange(SIZE[1]), borders)
    pixels = COLOURS[np.tile(classes, (SIZE[0], 1))]
    pixels = pixels + rng.integers(-9, 10, pixels.shape)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    if draw is None:
        return borders
    record = dict(
        version='5.5.0',
        flags={},
        shapes=draw(borders),
        imagePath=path.name,
        imageData=None,
        imageHeight=SIZE[0],
        imageWidth=SIZE[1],
    )
    path.with_suffix('.json').write_text(json.dumps(record))
    return borders


def draw_photos(folder: str, *names: str) -> Path:
    """Annotates photos wholly; returns the folder of the annotations."""
    rng = np.random.default_rng(0)
    for name in names:
        path = Path(folder, f'{name}.jpg')
        write_photo(path, rng, lambda borders: outlines(np.array([0, 30])))
        path.unlink()
    return Path(folder)
