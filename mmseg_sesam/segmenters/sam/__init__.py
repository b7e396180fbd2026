"""Segment Anything, and models with its predictor's API."""

from mmseg_sesam.segmenters.sam.segmenter import SAMSegmenter

__all__ = ['SAMSegmenter']
