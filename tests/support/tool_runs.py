"""Runs tools in the process of the tests."""

from __future__ import annotations

import io
import runpy
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


def run_here(tool: str | Path, *words: object) -> subprocess.CompletedProcess:
    """Runs a tool without the seconds of its imports.

    Args:
        tool: its name in tools/, or a path.
        words: its arguments.

    Returns:
        The end of the tool; what it wrote to stderr follows stdout in one
        text.
    """
    command = [str(TOOLS / tool), *map(str, words)]
    end, files = None, (io.BytesIO(), io.BytesIO())
    # Tools change how these streams show what no terminal can.
    out, err = (
        io.TextIOWrapper(f, 'utf-8', write_through=True) for f in files
    )
    with pytest.MonkeyPatch.context() as patch:
        # Tools set it, which would reach later tests.
        patch.setenv('LOCAL_RANK', '0')
        patch.setattr('sys.argv', command)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                runpy.run_path(command[0], run_name='__main__')
            except SystemExit as stop:
                end = stop.code
    said = ''.join(file.getvalue().decode() for file in files)
    if isinstance(end, str):
        said, end = f'{said}{end}\n', 1
    return subprocess.CompletedProcess(command, int(end or 0), said)
