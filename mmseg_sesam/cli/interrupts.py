"""Tools end with one sentence when a person presses Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible(
    tool: str, remedy: str = 'the same command continues'
) -> Iterator[None]:
    """Ends the program with one sentence if a person presses Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(f'{tool}: interrupted; {remedy}.')


def run_command(command: Sequence[str], tool: str, remedy: str) -> int:
    """Runs a command and returns its exit status.

    Ctrl-C in a terminal reaches the command as well, which may remove files
    and say something. The program waits until the command has ended. Then it
    ends itself with one sentence, unless the command ended well.

    Args:
        command: program and arguments.
        tool: name of this program.
        remedy: how to continue after an interrupt.
    """
    interrupts: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)

    earlier = signal.getsignal(signal.SIGINT)
    # Where interrupts are ignored they stay so, for the command as well.
    catches = earlier is signal.default_int_handler
    if catches:
        signal.signal(signal.SIGINT, note)
    try:
        status = subprocess.run(command).returncode
    finally:
        if catches:
            signal.signal(signal.SIGINT, earlier)
    # A command that ended well was not interrupted.
    if interrupts and status:
        sys.exit(f'{tool}: interrupted; {remedy}.')
    return status
