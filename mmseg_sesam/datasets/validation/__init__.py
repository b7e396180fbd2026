"""Checks of a config's data sets, made before a network is trained on them.

A check is a generator of `Finding`, over one data set (`Split`), over all of
them, or over the labels of one (`Labels`).
"""

from mmseg_sesam.datasets.validation.check import (
    check_lists,
    validate_datasets,
)
from mmseg_sesam.datasets.validation.findings import Finding, Report

__all__ = ['Finding', 'Report', 'check_lists', 'validate_datasets']
