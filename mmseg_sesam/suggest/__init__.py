"""Ranks the training images of a run for labelling next."""

from mmseg_sesam.suggest.suggestions import suggest

__all__ = ['suggest']
