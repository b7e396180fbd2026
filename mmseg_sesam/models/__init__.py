"""Segmentor, data preprocessor and loss for weak labels."""

from .data_preprocessor import SeSAMDataPreProcessor
from .mixed_loss import MixedLoss
from .sesam_encoder_decoder import SeSAMEncoderDecoder

__all__ = ['MixedLoss', 'SeSAMDataPreProcessor', 'SeSAMEncoderDecoder']
