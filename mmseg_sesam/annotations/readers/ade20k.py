"""ADE20K: class ids from 1, with 0 for unlabelled."""

from __future__ import annotations

from dataclasses import dataclass

from mmseg_sesam.annotations.base import Annotation, AnnotationReader, Item
from mmseg_sesam.annotations.classes import to_label
from mmseg_sesam.annotations.files import read_index


@dataclass
class Ade20kReader(AnnotationReader):
    """Reads index PNGs of ADE20K's scene parsing benchmark.

    The classes are 1 to 150; 0 means unlabelled. Source: README of
    http://sceneparsing.csail.mit.edu (ADEChallengeData2016).
    """

    name = 'ade20k'
    example = 'annotations/training out'
    label_images = True
    classes = ('ade',)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.remarks.append(
            'The labels hold 0 to 149 and 255: set reduce_zero_label=False '
            'in the data set and in LoadAnnotations, which else would count '
            'down once more.'
        )

    def read(self, item: Item) -> Annotation:
        values = read_index(item.source).values
        remedy = (
            'give the labels of the scene parsing benchmark, or read others '
            'with the format index-png'
        )
        classes = len(self.names)
        return Annotation(
            to_label(values, classes, item.source, [0], 1, remedy)
        )
