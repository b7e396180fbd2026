"""The SAM models of the package transformers."""

from mmseg_sesam.segmenters.transformers_sam.segmenter import (
    TransformersSegmenter,
)

__all__ = ['TransformersSegmenter']
