"""The reader of docs/add_a_format.md converts the page's own file."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np

from mmseg_sesam.io.labels import read_label

from .pages import DOCS, ROOT, read_blocks, read_commands

PAGE = DOCS / 'add_a_format.md'


def test_add_a_format_converts_its_example(tmp_path: Path) -> None:
    files = [block for block in read_blocks(PAGE) if block.title]
    assert {block.title for block in files} == {'clicks.csv', 'csv_clicks.py'}
    for block in files:
        (tmp_path / block.title).write_text(block.text)
    (command,) = read_commands(PAGE)
    _, tool, *words = shlex.split(command.text)

    done = subprocess.run(
        [sys.executable, str(ROOT / tool), *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    assert done.returncode == 0, done.stdout
    first = read_label(tmp_path / 'weak/town/0001.png')
    assert np.argwhere(first == 0).mean(0).tolist() == [1, 2]
    assert np.argwhere(first == 1).mean(0).tolist() == [4, 6]
    assert first.shape == (6, 8) and (first != 255).sum() == 18
    second = read_label(tmp_path / 'weak/town/0002.png')
    assert {*second.ravel().tolist()} == {1, 255}
