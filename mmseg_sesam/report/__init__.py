"""Builds the report of a training, one HTML file."""

from mmseg_sesam.report.page import build_report

__all__ = ['build_report']
