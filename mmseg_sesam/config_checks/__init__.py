"""Checks that every part of a training config has an effect."""

from mmseg_sesam.config_checks.check import check_config

__all__ = ['check_config']
