"""Memory that the system says is left."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mmseg_sesam.io import memory

MIB = 2**20


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of those in which Linux tells its memory."""
    monkeypatch.setattr(memory, '_MEMINFO', tmp_path / 'meminfo')
    monkeypatch.setattr(memory, '_CONTROL_GROUPS', tmp_path / 'cgroup')
    monkeypatch.setattr(memory, '_CONTROLLERS', tmp_path / 'groups')
    return tmp_path


def write(folder: Path, **contents: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace('__', '.')).write_text(content)


def test_available_memory_is_less_than_all() -> None:
    if not Path('/proc/meminfo').exists():
        pytest.skip('only Linux tells it')
    total = Path('/proc/meminfo').read_text().split()[1]
    assert MIB < memory.available_memory() < int(total) * 1024


@pytest.mark.parametrize('content', [None, '', 'MemTotal: 9 kB\n'])
def test_available_memory_is_infinite_where_it_is_unknown(
    content: str | None, system: Path
) -> None:
    if content is not None:
        write(system, meminfo=content)
    assert memory.available_memory() == math.inf


@pytest.mark.parametrize(
    ('line', 'folder', 'limit', 'used', 'freeable'),
    [
        # Version 2: a job's group holds that of its step.
        (
            '0::/job/step\n',
            'job',
            *('memory__max', 'memory__current', 'inactive_file'),
        ),
        # Version 1, in a container: its group is the root.
        (
            '4:cpu,memory:/outside\n3:cpu:/\n',
            'memory',
            *('memory__limit_in_bytes', 'memory__usage_in_bytes'),
            'total_inactive_file',
        ),
    ],
)
def test_available_memory_sees_the_limit_of_a_container(
    system: Path, line: str, folder: str, limit: str, used: str, freeable: str
) -> None:
    write(system, meminfo='MemAvailable: 102400 kB\n', cgroup=line)
    group = system / 'groups' / folder
    write(group, **{limit: f'{90 * MIB}\n', used: f'{50 * MIB}\n'})
    assert memory.available_memory() == 40 * MIB
    # Files that the system keeps in memory make way.
    write(group, memory__stat=f'anon 7\n{freeable} {20 * MIB}\n')
    assert memory.available_memory() == 60 * MIB
    write(group, **{limit: 'max\n'})
    assert memory.available_memory() == 100 * MIB
