"""Hooks of the training loop, and what is told at its end."""

# ruff: noqa: E402, I001

from mmseg_sesam import compat

# Before the imports that would fail with less to go on.
compat.require_frameworks()

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .non_finite_loss_hook import NonFiniteLossHook
from .sam_pseudo_label_hook import SAMPseudoLabelHook
from .step_seed_hook import StepSeedHook
from .summary import summarise
from .visualization_hook import SeSAMVisualizationHook

__all__ = [
    'AtomicCheckpointHook',
    'NonFiniteLossHook',
    'SAMPseudoLabelHook',
    'SeSAMVisualizationHook',
    'StepSeedHook',
    'summarise',
]
