"""Segmentor, data preprocessor and loss for weak labels."""

# ruff: noqa: E402, I001

from mmseg_sesam import compat

# Before the imports that would fail with less to go on.
compat.require_frameworks()

from mmseg_sesam.models.data_preprocessor import SeSAMDataPreProcessor
from mmseg_sesam.models.mixed_loss import MixedLoss
from mmseg_sesam.models.sesam_encoder_decoder import SeSAMEncoderDecoder

__all__ = ['MixedLoss', 'SeSAMDataPreProcessor', 'SeSAMEncoderDecoder']
