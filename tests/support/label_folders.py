"""Label images to convert, and what a folder holds."""

from __future__ import annotations

from pathlib import Path

NAMES = ['a', 'b', 'town/a', 'town/deep/c.v1', 'void']


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (
            path.read_bytes(),
            path.stat().st_mtime_ns,
        )
        for path in folder.rglob('*')
        if path.is_file()
    }


def content(folder: Path) -> dict[str, bytes]:
    return {name: data for name, (data, _) in state(folder).items()}
