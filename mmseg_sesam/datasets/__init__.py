"""Transforms that load, simulate and pack weak labels."""

from .formatting import KeepTeacherView, PackSeSAMInputs
from .loading import LoadPseudoLabel, LoadWeakAnnotations
from .simulate import SimulateWeakLabel

__all__ = [
    'KeepTeacherView',
    'LoadPseudoLabel',
    'LoadWeakAnnotations',
    'PackSeSAMInputs',
    'SimulateWeakLabel',
]
