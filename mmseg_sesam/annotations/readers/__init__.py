"""Readers of annotations, one file for each format."""

from mmseg_sesam.annotations.readers import (
    ade20k,
    cityscapes_coarse,
    coco,
    color_png,
    cvat,
    index_png,
    labelme,
    scribbles4all,
    scribblesup,
    whats_the_point,
)

__all__ = [
    'ade20k',
    'cityscapes_coarse',
    'coco',
    'color_png',
    'cvat',
    'index_png',
    'labelme',
    'scribbles4all',
    'scribblesup',
    'whats_the_point',
]
