"""What the tests of rounds share."""

from __future__ import annotations

import pytest
from mmengine.registry import init_default_scope


@pytest.fixture(autouse=True)
def mmseg_scope() -> None:
    """Data sets and models are looked up as a Runner looks them up."""
    init_default_scope('mmseg')
