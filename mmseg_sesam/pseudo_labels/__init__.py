"""Pseudo-labels: making them, and keeping their rounds on disk."""

from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector

from .generator import ComponentRecord, PseudoLabel, PseudoLabelGenerator

# The method knows no framework, so its configurable parts are registered
# here, where they meet one.
TASK_UTILS.register_module(module=SkeletonPrompter)
TASK_UTILS.register_module(module=CoverageMaskSelector)

__all__ = ['ComponentRecord', 'PseudoLabel', 'PseudoLabelGenerator']
