"""Weakly supervised semantic segmentation with SAM, on MMSegmentation.

Importing the package registers its components with ``mmseg``, so that a
config needs ``custom_imports = dict(imports=['mmseg_sesam'])`` and no more.
"""

# ruff: noqa: E402, I001

from . import compat
from .version import __version__

# Before the first import of mmseg, which fails on mmcv-lite without it.
compat.apply()

from . import (
    datasets,
    engine,
    evaluation,
    models,
    pseudo_labels,
    segmenters,
)

__all__ = [
    '__version__',
    'datasets',
    'engine',
    'evaluation',
    'models',
    'pseudo_labels',
    'segmenters',
]
