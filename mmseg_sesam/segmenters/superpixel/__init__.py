"""Regions of homogeneous colour, a segmenter without weights."""

from mmseg_sesam.segmenters.superpixel.segmenter import SuperpixelSegmenter

__all__ = ['SuperpixelSegmenter']
