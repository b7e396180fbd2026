"""Finds transforms in the pipelines of configs."""

from __future__ import annotations


def place_of(pipeline: list[dict], name: str) -> int:
    """Returns the place of the transform whose type has a name."""
    return [step['type'] for step in pipeline].index(name)
