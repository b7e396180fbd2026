"""Tests of the checks of training configs."""
