"""The record of an image in a round: its journal and its proof."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mmseg_sesam.io.atomic import replacing


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Writes a record whole, with a digest of itself.

    Args:
        path: of the file; its folder exists.
        record: JSON values: 'files', digests by relative path; 'shape' and
            'counts' of the image; 'components', one dict for each.
    """
    text = json.dumps(record)
    with replacing(path) as part:
        part.write_text(
            json.dumps(dict(sha256=_digest(text.encode()), record=record))
        )


def read_record(path: Path) -> dict[str, Any] | None:
    """Returns a record, None if it is missing or damaged.

    Args:
        path: of the file.
    """
    content = read_object(path) or {}
    record = content.get('record')
    if content.get('sha256') != _digest(json.dumps(record).encode()):
        return None
    return record


def read_object(path: Path) -> dict[str, Any] | None:
    """Returns a JSON object, None if it is missing or damaged.

    Args:
        path: of the file.
    """
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def checksum(path: Path) -> str:
    """Returns the sha256 of a file, in hexadecimal digits."""
    return _digest(path.read_bytes())


def damaged_files(folder: Path, files: dict[str, str]) -> list[str]:
    """Lists files that are missing or differ from their digests.

    Args:
        folder: that holds them.
        files: digests by relative path.

    Returns:
        Relative paths.
    """
    return [
        relative
        for relative, expected in files.items()
        if not (folder / relative).is_file()
        or checksum(folder / relative) != expected
    ]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
