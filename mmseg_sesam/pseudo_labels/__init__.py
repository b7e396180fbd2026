"""Pseudo-labels: making them, and keeping their rounds on disk."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs=dict(
        generator=['ComponentRecord', 'PseudoLabel', 'PseudoLabelGenerator']
    ),
)
