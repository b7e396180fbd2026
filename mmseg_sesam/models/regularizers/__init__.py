"""Loss terms that need no labels."""

from mmseg_sesam.models.regularizers.gated_crf import GatedCRFLoss

__all__ = ['GatedCRFLoss']
