"""Checks that the loss serves the heads of the model."""

from __future__ import annotations

from mmseg.registry import MODELS

from mmseg_sesam.config_checks.training import TRAINING_ONLY, Training
from mmseg_sesam.datasets.class_counts import heads_of
from mmseg_sesam.models.head_checks import check_head_class
from mmseg_sesam.type_names import lineage


def check_heads(training: Training) -> None:
    """Raises if the model has a cascade, or a head with a loss of its own.

    Other checks would advise options for a head that the model refuses.
    """
    if not (training.is_sesam or any(map(training.find, TRAINING_ONLY))):
        return
    found = training.model.get('decode_head')
    if isinstance(found, (list, tuple)):
        raise ValueError(
            f'model.decode_head is a list of {len(found)} heads, expected '
            'one, since SeSAMEncoderDecoder serves no cascade; begin from the '
            'base of a network without a cascade, such as '
            'mmseg::_base_/models/fcn_hr18.py in place of ocrnet_hr18.py, and '
            'set model.type to SeSAMEncoderDecoder.'
        )
    for name, head in heads_of(training.model).items():
        # Names that no registry knows are refused when they are built.
        for kind in lineage(head, MODELS)[:1]:
            check_head_class(name, kind)
