"""The latest checkpoint of a work dir."""

from __future__ import annotations

import re
from pathlib import Path


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Returns the checkpoint from which a training continues.

    mmengine writes its absolute path into `last_checkpoint`. In a work dir
    that was moved or copied that path is of another place, so a file of this
    name in the work dir comes first. A training that was killed while it
    wrote `last_checkpoint` leaves it empty; then the latest one counts. The
    file may be missing if `last_checkpoint` names one that was removed.
    """
    work_dir = Path(work_dir)
    note = work_dir / 'last_checkpoint'
    named = note.read_text().strip() if note.is_file() else ''
    if named:
        own = work_dir / Path(named).name
        return own if own.is_file() else Path(named)
    numbers = {
        int(match[1]): path
        for path in work_dir.glob('*.pth')
        if (match := re.fullmatch(r'(?:iter|epoch)_(\d+)', path.stem))
    }
    return numbers[max(numbers)] if numbers else None
