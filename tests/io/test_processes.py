"""Work in several processes."""

from __future__ import annotations

import os
import signal

import pytest

from mmseg_sesam.io.processes import map_in_processes


def end_at_two(shared: int, item: int) -> int:
    """Ends its process as the system does that lacks memory."""
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return shared + item


def test_map_in_processes_names_a_killed_process() -> None:
    assert [*map_in_processes(end_at_two, 5, [0, 1], 2, 'x')] == [5, 6]
    with pytest.raises(ChildProcessError, match='^adding: a process .* fewer'):
        [*map_in_processes(end_at_two, 5, range(4), 1, 'adding')]
