"""What is wrong with a data set, told before a network is trained on it."""

from mmseg_sesam.datasets.validation.check import (
    check_lists,
    validate_datasets,
)
from mmseg_sesam.datasets.validation.findings import Finding
from mmseg_sesam.datasets.validation.report import Report

__all__ = ['Finding', 'Report', 'check_lists', 'validate_datasets']
