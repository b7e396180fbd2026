"""Folders of small models, shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of a small model of each family."""
    # Here, where a missing transformers skips a test.
    from .tiny_models import CLASSES, save

    root = tmp_path_factory.mktemp('models')
    return {family: save(family, root / family) for family in CLASSES}
