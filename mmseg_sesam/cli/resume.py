"""Runs of the tools that are interrupted, and continued later."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from mmseg_sesam.io.atomic import replace_file
from mmseg_sesam.io.listing import is_empty_or_absent


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


def check_record(path: Path, record: dict[str, Any]) -> None:
    """Writes what a folder's files are made from, or compares it.

    Args:
        path: file of the record, in the folder.
        record: JSON values by name; the file may hold further ones.

    Raises:
        ValueError: the folder has files that were made otherwise.
    """
    if path.is_file():
        earlier = json.loads(path.read_text())
        for key, value in record.items():
            if earlier.get(key) != value:
                raise ValueError(
                    f'{path.parent} was made with {key}={earlier.get(key)!r}, '
                    f'and now {key} is {value!r}; give another folder, or '
                    'the same arguments and files.'
                )
        return
    if not is_empty_or_absent(path.parent):
        raise ValueError(
            f'{path.parent} is not empty and has no {path.name} of an earlier '
            'run, and nothing in it shall be overwritten; give a new folder.'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(record, indent=1) + '\n')
