"""Segmenters: they answer point prompts with candidate masks."""

from .base import BaseSegmenter, Candidates, MaskCandidates
from .cached import CachedSegmenter
from .sam import SAMSegmenter
from .superpixel import SuperpixelSegmenter

__all__ = [
    'BaseSegmenter',
    'CachedSegmenter',
    'Candidates',
    'MaskCandidates',
    'SAMSegmenter',
    'SuperpixelSegmenter',
]
