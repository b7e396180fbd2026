"""The record of an image in a round: its journal and its proof."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mmseg_sesam.io.atomic import replace_file


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Writes a record, JSON values, whole and with a digest of itself."""
    content = dict(sha256=_digest(record), record=record)
    replace_file(path, json.dumps(content))


def read_record(path: Path) -> dict[str, Any] | None:
    """Returns a record, None if it is missing or damaged."""
    content = read_object(path) or {}
    record = content.get('record')
    return record if content.get('sha256') == _digest(record) else None


def read_object(path: Path) -> dict[str, Any] | None:
    """Returns a JSON object, None if it is missing or damaged."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def checksum(path: Path) -> str:
    """Returns the sha256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def damaged_files(folder: Path, files: dict[str, str]) -> list[str]:
    """Returns relative paths of files that differ from their digests."""
    return [
        relative
        for relative, expected in files.items()
        if not (folder / relative).is_file()
        or checksum(folder / relative) != expected
    ]


def _digest(record: Any) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()
