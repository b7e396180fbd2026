"""Weakly supervised semantic segmentation with SAM, on MMSegmentation.

Importing the package makes its components known to ``mmseg``: a config needs
``custom_imports = dict(imports=['mmseg_sesam'])``. It imports neither torch
nor mmseg itself, so that the method and the readers of annotations start at
once and serve without them.

Example:
    >>> import mmseg_sesam
    >>> from mmseg.registry import MODELS
    >>> MODELS.get('SeSAMEncoderDecoder').__module__
    'mmseg_sesam.models.sesam_encoder_decoder'
"""

import lazy_loader

from . import compat, registration
from .version import __version__

compat.apply()
registration.apply()

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submodules=[
        'annotations',
        'cli',
        'core',
        'datasets',
        'engine',
        'evaluation',
        'models',
        'pseudo_labels',
        'report',
        'rounds',
        'segmenters',
        'store',
        'visualization',
    ],
)
__all__ = ['__version__', *_]
