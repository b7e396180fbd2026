"""Hooks of the training loop, and what is told at its end."""

from .sam_pseudo_label_hook import SAMPseudoLabelHook
from .summary import summarise
from .visualization_hook import SeSAMVisualizationHook

__all__ = ['SAMPseudoLabelHook', 'SeSAMVisualizationHook', 'summarise']
