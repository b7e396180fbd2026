"""Weak labels in the formats in which people keep them."""

from mmseg_sesam.annotations import readers
from mmseg_sesam.annotations.base import (
    READERS,
    Annotation,
    AnnotationReader,
    Item,
)
from mmseg_sesam.annotations.convert import ConversionError, convert

__all__ = [
    'READERS',
    'Annotation',
    'AnnotationReader',
    'ConversionError',
    'Item',
    'convert',
    'readers',
]
