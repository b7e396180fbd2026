"""What is wrong with a data set, told before a network is trained on it."""

from .check import check_lists, validate_datasets
from .findings import Finding
from .report import Report

__all__ = ['Finding', 'Report', 'check_lists', 'validate_datasets']
