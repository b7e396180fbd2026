"""Segmentor, data preprocessor and loss for weak labels."""

# ruff: noqa: E402, I001

from mmseg_sesam import compat

# Before the imports that would fail with less to go on.
compat.require_frameworks()

from .data_preprocessor import SeSAMDataPreProcessor
from .mixed_loss import MixedLoss
from .sesam_encoder_decoder import SeSAMEncoderDecoder

__all__ = ['MixedLoss', 'SeSAMDataPreProcessor', 'SeSAMEncoderDecoder']
