"""The code of docs/core.md runs where no framework can be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .pages import DOCS, read_blocks

NO_FRAMEWORK = """
import sys
for name in ('torch', 'mmcv', 'mmengine', 'mmseg'):
    sys.modules[name] = None
"""


def test_two_halves_get_their_classes(tmp_path: Path) -> None:
    for block in read_blocks(DOCS / 'core.md'):
        (tmp_path / block.title).write_text(NO_FRAMEWORK + block.text)

    done = subprocess.run(
        [sys.executable, tmp_path / 'two_halves.py'],
        stderr=subprocess.PIPE,
        text=True,
    )

    assert done.returncode == 0, done.stderr
