"""Memory of the machine."""

from __future__ import annotations

import math
from pathlib import Path

_MEMINFO = Path('/proc/meminfo')


def available_memory() -> float:
    """Returns the bytes of memory that programs can still get.

    Infinite where the system does not tell it, which Linux alone does. The
    limit of a container or of a job is not seen.
    """
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return math.inf
    for name, _, value in (line.partition(':') for line in lines):
        if name == 'MemAvailable':
            return float(value.split()[0]) * 1024
    return math.inf
