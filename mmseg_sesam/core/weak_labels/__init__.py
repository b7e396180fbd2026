"""Weak labels simulated from dense ones."""

from mmseg_sesam.core.weak_labels.simulator import KINDS, WeakLabelSimulator

__all__ = ['KINDS', 'WeakLabelSimulator']
