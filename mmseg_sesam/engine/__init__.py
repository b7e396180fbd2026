"""Hooks of the training loop."""

from .sam_pseudo_label_hook import SAMPseudoLabelHook

__all__ = ['SAMPseudoLabelHook']
