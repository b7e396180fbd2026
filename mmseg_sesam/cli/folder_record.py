"""The record of what the files of a folder are made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmseg_sesam.io.atomic import replace_file
from mmseg_sesam.io.listing import is_empty_or_absent


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
