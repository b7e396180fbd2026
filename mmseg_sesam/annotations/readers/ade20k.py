"""ADE20K: class ids from 1, with 0 for unlabelled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmseg_sesam.annotations.base import (
    Annotation,
    AnnotationReader,
    Item,
    list_keyed_files,
)
from mmseg_sesam.annotations.classes import resolve_classes
from mmseg_sesam.annotations.files import read_index
from mmseg_sesam.annotations.readers.index_png import to_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES


@dataclass
class Ade20kReader(AnnotationReader):
    """Reads index PNGs of ADE20K's scene parsing benchmark.

    The classes are 1 to 150, and 0 is everything else. Source: README of
    http://sceneparsing.csail.mit.edu (ADEChallengeData2016).
    """

    name = 'ade20k'
    example = 'annotations/training out'

    def __post_init__(self) -> None:
        super().__post_init__()
        self.names, self.palette = resolve_classes(['ade'])
        self.remarks.append(
            'The labels hold 0 to 149 and 255: set reduce_zero_label=False '
            'in the data set and in LoadAnnotations, which else would count '
            'down once more.'
        )

    def list_items(self) -> Iterable[Item]:
        """See the base class."""
        return [
            Item(*file) for file in list_keyed_files(self.src, LABEL_SUFFIXES)
        ]

    def read(self, item: Item) -> Annotation:
        """See the base class."""
        values, _ = read_index(item.source)
        return Annotation(
            to_label(
                values,
                len(self.names),
                item.source,
                void=[0],
                first=1,
                remedy='give the labels of the scene parsing benchmark, or '
                'read others with the format index-png',
            )
        )
