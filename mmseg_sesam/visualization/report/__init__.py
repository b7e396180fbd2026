"""The report of a training, one HTML file."""

from .page import build_report

__all__ = ['build_report']
