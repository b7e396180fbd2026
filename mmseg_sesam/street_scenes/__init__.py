"""Drawn street scenes with exact labels, the data of the demo."""

from mmseg_sesam.street_scenes.render import render
from mmseg_sesam.street_scenes.scene import CLASSES, PALETTE

__all__ = ['CLASSES', 'PALETTE', 'render']
