"""Quality of pseudo-labels against dense labels."""

from .metric import PseudoLabelQuality

__all__ = ['PseudoLabelQuality']
