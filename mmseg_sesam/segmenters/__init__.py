"""Segmenters: they answer point prompts with candidate masks."""

# ruff: noqa: E402, I001

from mmseg_sesam import compat

# Before the imports that would fail with less to go on.
compat.require_frameworks()

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
