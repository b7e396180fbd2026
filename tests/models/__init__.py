"""Tests of the segmentor, its teacher and its loss."""
