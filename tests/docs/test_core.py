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


def test_core_page_runs_without_a_framework(tmp_path: Path) -> None:
    for block in read_blocks(DOCS / 'core.md'):
        (tmp_path / block.title).write_text(NO_FRAMEWORK + block.text)

    # It imports the other files.
    done = subprocess.run(
        [sys.executable, tmp_path / 'evidence.py'],
        stderr=subprocess.PIPE,
        text=True,
    )

    assert done.returncode == 0, done.stderr
