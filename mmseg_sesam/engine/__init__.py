"""Hooks of the training loop, and the summary at its end."""

# ruff: noqa: E402, I001

from mmseg_sesam import compat

# Its errors name the remedy; the imports below would fail without one.
compat.require_frameworks()

from mmseg_sesam.engine.atomic_checkpoint_hook import AtomicCheckpointHook
from mmseg_sesam.engine.class_shares_hook import ClassSharesHook
from mmseg_sesam.engine.missed_validation_hook import MissedValidationHook
from mmseg_sesam.engine.non_finite_loss_hook import NonFiniteLossHook
from mmseg_sesam.engine.sam_pseudo_label_hook import SAMPseudoLabelHook
from mmseg_sesam.engine.step_seed_hook import StepSeedHook
from mmseg_sesam.engine.summary import summarise
from mmseg_sesam.engine.visualization_hook import SeSAMVisualizationHook

__all__ = [
    'AtomicCheckpointHook',
    'ClassSharesHook',
    'MissedValidationHook',
    'NonFiniteLossHook',
    'SAMPseudoLabelHook',
    'SeSAMVisualizationHook',
    'StepSeedHook',
    'summarise',
]
