from .metric import PseudoLabelQuality as PseudoLabelQuality
