"""Segmentor, data preprocessor and loss for weak labels."""

# ruff: noqa: E402, I001

from mmseg_sesam import compat

# First, so that a missing framework is named.
compat.require_frameworks()

from mmseg_sesam.models.data_preprocessor import SeSAMDataPreProcessor
from mmseg_sesam.models.regularizers import GatedCRFLoss
from mmseg_sesam.models.sesam_encoder_decoder import SeSAMEncoderDecoder

__all__ = ['GatedCRFLoss', 'SeSAMDataPreProcessor', 'SeSAMEncoderDecoder']
