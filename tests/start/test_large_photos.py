"""Photos that training scales down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from labelme_photos import shape, strokes
from mmengine.config import Config
from PIL import Image

from mmseg_sesam.io.labels import read_label

# Sides of photos over those of `plan_photos`.
TIMES = 25


def points(borders: np.ndarray) -> list[dict]:
    """A point in each stripe."""
    return [
        shape('point', one['label'], one['points'][:1])
        for one in strokes(borders)
    ]


def dabs(borders: np.ndarray) -> list[dict]:
    """A small square in each stripe."""
    found = []
    for one in points(borders):
        ((x, y),) = one['points']
        square = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]]
        found.append(shape('polygon', one['label'], square))
    return found


def enlarge(draw: Callable[[np.ndarray], list[dict]]) -> None:
    """Makes photos of 2400 x 1800 pixels of those that are there."""
    for path in Path('photos').glob('*.jpg'):
        with Image.open(path) as photo:
            width, height = (TIMES * side for side in photo.size)
            large = photo.resize((width, height), Image.Resampling.NEAREST)
        large.save(path)
        shapes = draw(np.array([30, 55]))
        for one in shapes:
            one['points'] = (TIMES * np.array(one['points'])).tolist()
        record = json.loads(path.with_suffix('.json').read_text())
        record.update(shapes=shapes, imageWidth=width, imageHeight=height)
        path.with_suffix('.json').write_text(json.dumps(record))


@pytest.mark.parametrize(
    ('draw', 'kind', 'width'),
    [(strokes, 'scribble', 7), (points, 'point', 7), (dabs, 'point', 26)],
)
def test_prepare_draws_wider_on_photos_that_are_scaled_down(
    plan_photos,
    draw: Callable[[np.ndarray], list[dict]],
    kind: str,
    width: int,
) -> None:
    enlarge(draw)

    start = plan_photos()

    assert start.sets.train.size == (2400, 1800)
    assert start.sets.train.kind == kind
    label = read_label(Path('out/labels/1.png'))
    row = label[TIMES * 8]
    assert [(row == class_id).sum() for class_id in range(3)] == [width] * 3


def test_prepare_scales_large_photos_in_validation(plan_photos) -> None:
    enlarge(strokes)

    cfg = Config.fromfile(plan_photos(val_share=0.4).config)

    (resize,) = (
        step
        for step in cfg.val_dataloader.dataset.pipeline
        if step.type == 'Resize'
    )
    assert resize.scale == (1024, 768) and resize.keep_ratio
