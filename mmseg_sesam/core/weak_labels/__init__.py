"""Weak labels simulated from dense ones."""

from .simulator import KINDS, WeakLabelSimulator

__all__ = ['KINDS', 'WeakLabelSimulator']
