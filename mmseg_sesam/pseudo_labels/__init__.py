"""Pseudo-labels: making them, and keeping their rounds on disk."""

import lazy_loader

# __init__.pyi names what is here.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
