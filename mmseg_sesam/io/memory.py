"""Memory of the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

_MEMINFO = Path('/proc/meminfo')
_CONTROL_GROUPS = Path('/proc/self/cgroup')
_CONTROLLERS = Path('/sys/fs/cgroup')
# Files of a control group: limit and use of memory, and the name of what can
# be freed in memory.stat, in version 2 and in version 1.
_VERSION_2 = ('memory.max', 'memory.current', 'inactive_file')
_VERSION_1 = (
    'memory.limit_in_bytes',
    'memory.usage_in_bytes',
    'total_inactive_file',
)


def available_memory() -> float:
    """Returns the bytes of memory that programs can still get.

    The result is the memory that the machine has left, or that the container
    or job has left, if this is less. Only Linux names these numbers: the
    result is infinite on other systems.
    """
    left = _numbers(_MEMINFO).get('MemAvailable', math.inf)
    groups = (_left_in(*found) for found in _control_groups())
    return min([left * 1024, *groups])


def _numbers(path: Path) -> dict[str, int]:
    """Returns the numbers of a file by their names; {} if it is missing.

    Its lines are 'name number' or 'name: number'.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = [line.replace(':', ' ').split() for line in lines]
    return {w[0]: int(w[1]) for w in words if len(w) > 1 and w[1].isdecimal()}


def _control_groups() -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Yields the control groups of this process and the names of their files.

    A limit may be set on any parent. In a container its own group is the root,
    whatever the path in the file says.
    """
    try:
        lines = _CONTROL_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(':', 2)
        if not controllers:
            root, names = _CONTROLLERS, _VERSION_2
        elif 'memory' in controllers.split(','):
            root, names = _CONTROLLERS / 'memory', _VERSION_1
        else:
            continue
        group = Path(path.lstrip('/'))
        for folder in (group, *group.parents):
            yield root / folder, names


def _left_in(folder: Path, names: tuple[str, str, str]) -> float:
    """Returns the bytes that a control group has left; infinite without."""
    limit, used, freeable = names
    try:
        most = int((folder / limit).read_text())
        taken = int((folder / used).read_text())
    # 'max' means that there is no limit.
    except (OSError, ValueError):
        return math.inf
    return most - taken + _numbers(folder / 'memory.stat').get(freeable, 0)
