"""Readers of weak labels in the formats in which people hold them."""

from . import (
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
from .base import READERS, Annotation, AnnotationReader, Item
from .convert import ConversionError, convert

__all__ = [
    'READERS',
    'Annotation',
    'AnnotationReader',
    'ConversionError',
    'Item',
    'ade20k',
    'cityscapes_coarse',
    'coco',
    'color_png',
    'convert',
    'cvat',
    'index_png',
    'labelme',
    'scribbles4all',
    'scribblesup',
    'whats_the_point',
]
