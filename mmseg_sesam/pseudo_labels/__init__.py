"""From an image and its weak label to a pseudo-label."""

import lazy_loader

# __init__.pyi names what is here.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
