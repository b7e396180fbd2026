"""Segmenters: they return candidate masks for point prompts."""

# ruff: noqa: E402, I001

from mmseg_sesam import compat

# Before the imports below, whose own errors do not name the remedy.
compat.require_frameworks()

from mmseg_sesam.core.candidates import Candidates, MaskCandidates
from mmseg_sesam.segmenters.base import BaseSegmenter
from mmseg_sesam.segmenters.cached import CachedSegmenter
from mmseg_sesam.segmenters.sam import SAMSegmenter
from mmseg_sesam.segmenters.superpixel import SuperpixelSegmenter
from mmseg_sesam.segmenters.tiled import TiledSegmenter
from mmseg_sesam.segmenters.transformers_sam import TransformersSegmenter

__all__ = [
    'BaseSegmenter',
    'CachedSegmenter',
    'Candidates',
    'MaskCandidates',
    'SAMSegmenter',
    'SuperpixelSegmenter',
    'TiledSegmenter',
    'TransformersSegmenter',
]
