"""The test pipeline of test-time augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmseg_sesam.datasets.pipeline_configs import (
    makes_label,
    packs,
    transform_names,
)

# Scales relative to those of the test, as in mmseg's configs.
RATIOS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)


def tta_pipeline(steps: Sequence[dict]) -> list[dict]:
    """Returns the pipeline of a test at several scales, with flipped images.

    Images are loaded as in the test, and its `Resize` gets several scales.
    Where it has none, the images that it packs are resized. Labels keep the
    size of the file.

    Args:
        steps: configs of the test pipeline.

    Example:
        >>> resize = dict(type='Resize', scale=(200, 100))
        >>> load, augment = tta_pipeline([dict(type='LoadImage'), resize])
        >>> load['type'], augment['transforms'][0][0]['scale']
        ('LoadImage', (100, 50))
    """
    last = [step for step in steps if makes_label(step) or packs(step)]
    image = [step for step in steps if step not in last]
    kinds = ['Resize' in transform_names(step) for step in image]
    place = kinds.index(True) if any(kinds) else len(image)
    resize = dict(type='Resize', scale_factor=1.0, keep_ratio=True)
    resize = image[place] if any(kinds) else resize
    variants = [
        [_scale(resize, ratio) for ratio in RATIOS],
        [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)],
    ]
    rest = [[step] for step in (*image[place + 1 :], *last)]
    augment = dict(type='TestTimeAug', transforms=[*variants, *rest])
    return [*image[:place], augment]


def _scale(resize: dict, ratio: float) -> dict:
    """Returns the config of a `Resize` to another scale."""
    scaled = dict(resize)
    if resize.get('scale'):
        scaled['scale'] = _multiply(resize['scale'], ratio, round)
    if resize.get('scale_factor'):
        scaled['scale_factor'] = _multiply(
            resize['scale_factor'], ratio, float
        )
    return scaled


def _multiply(value: Any, ratio: float, kind: type) -> Any:
    """Multiplies a number or a pair of them."""
    if isinstance(value, (list, tuple)):
        return tuple(kind(part * ratio) for part in value)
    return kind(value * ratio)
