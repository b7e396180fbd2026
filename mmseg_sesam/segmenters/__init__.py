"""Segmenters: they answer point prompts with candidate masks."""

from .base import BaseSegmenter, Candidates, MaskCandidates
from .sam import SAMSegmenter
from .superpixel import SuperpixelSegmenter

__all__ = [
    'BaseSegmenter',
    'Candidates',
    'MaskCandidates',
    'SAMSegmenter',
    'SuperpixelSegmenter',
]
