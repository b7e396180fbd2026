"""What the tests of start share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from labelme_photos import strokes, write_photo
from start_plans import BASES, CPU

from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.start import Request, Start, prepare


@pytest.fixture
def plan_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Start]:
    """Five photos with strokes, 0 to 4, and a call that plans with them."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(5):
        write_photo(Path(f'photos/{number}.jpg'), rng, strokes)
    request = Request(Path('photos'), Path('photos'), Path('out'))

    def run(
        machine: Machine = CPU, bases: Path = BASES, **changes: object
    ) -> Start:
        return prepare(replace(request, **changes), bases, machine)

    return run


@pytest.fixture
def request_of_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Request:
    """Ten photos with strokes, and three without."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(13):
        draw = None if number in (0, 5, 12) else strokes
        write_photo(Path(f'photos/{number:02}.jpg'), rng, draw)
    return Request(Path('photos'), Path('photos'), Path('out'))
