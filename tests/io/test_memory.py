"""Memory that the system says is left."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mmseg_sesam.io import memory


def test_available_memory_is_less_than_all() -> None:
    if not Path('/proc/meminfo').exists():
        pytest.skip('only Linux tells it')
    total = Path('/proc/meminfo').read_text().split()[1]
    assert 2**20 < memory.available_memory() < int(total) * 1024


@pytest.mark.parametrize('content', [None, '', 'MemTotal: 9 kB\n'])
def test_available_memory_is_infinite_where_it_is_unknown(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'meminfo'
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(memory, '_MEMINFO', path)
    assert memory.available_memory() == math.inf
