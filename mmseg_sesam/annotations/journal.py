"""The journal of a conversion: its settings, and what it wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

from mmseg_sesam.io import atomic
from mmseg_sesam.io.listing import is_empty_or_absent
from mmseg_sesam.structures import UNLABELLED

# First line: settings. Then the record of each label that is done.
JOURNAL = 'conversion.jsonl'

Record = dict[str, Any]


def load_records(
    out: Path,
    settings: Record,
    keys: set[str],
    renew: Callable[[], None] | None = None,
) -> dict[str, Record]:
    """Returns the records of an earlier run by key.

    Args:
        out: folder of the labels.
        settings: those of this run.
        keys: of all annotations.
        renew: called before labels of other settings are removed. Labels of
            annotations that are gone are removed, too. Without it both are
            an error.

    Raises:
        ValueError: `out` belongs to something else, or has a label that
            shall not be removed.
    """
    path = out / JOURNAL
    if not path.is_file():
        if not is_empty_or_absent(out):
            raise ValueError(
                f'{out} exists and holds no conversion, and nothing in it '
                'shall be overwritten; give a new folder.'
            )
        return {}
    header, *lines = path.read_text(encoding='utf-8').split('\n')
    records = _read_records(lines)
    earlier, gone = json.loads(header), sorted({*records} - keys)
    changed = [
        key
        for key in sorted({*earlier, *settings})
        if earlier.get(key) != settings.get(key)
    ]
    if renew:
        old = sorted(records) if changed else gone
        _check_own(out, [records[key] for key in old])
        if changed:
            renew()
            # An interrupted run leaves labels without a record.
            old = {*old, *keys}
        for key in old:
            records.pop(key, None)
            (out / f'{key}.png').unlink(missing_ok=True)
    elif changed:
        key = changed[0]
        raise ValueError(
            f'{out} was made with {key}={earlier.get(key)!r}, and now '
            f'{key}={settings.get(key)!r} is asked for; give a new folder, '
            'or the earlier setting.'
        )
    elif gone:
        raise ValueError(
            f'{out} holds labels of {len(gone)} annotations that are gone, '
            f'such as {gone[0]}; give a new folder, or bring them back.'
        )
    return records


def _read_records(lines: list[str]) -> dict[str, Record]:
    records = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            # An interrupted run may leave a truncated last line.
            continue
        records[record['key']] = record
    return records


def _check_own(out: Path, records: list[Record]) -> None:
    """Raises if somebody changed a label that is to be removed."""
    edited = edited_keys(out, records)
    if edited:
        raise ValueError(edited_label(out / f'{edited[0]}.png'))


def edited_keys(out: Path, records: Iterable[Record]) -> list[str]:
    """Returns the keys of labels that are not as a conversion wrote them."""
    paths = ((record, out / f'{record["key"]}.png') for record in records)
    return [
        record['key']
        for record, path in paths
        if path.is_file()
        and label_digest(path.read_bytes()) != record['digest']
    ]


def edited_label(path: Path) -> str:
    """Returns why a label that somebody changed is not replaced."""
    return (
        f'{path} is not as this tool wrote it, and shall not be overwritten; '
        'move it away, or give another folder.'
    )


def write_journal(out: Path, settings: Record, records: list[Record]) -> None:
    """Writes settings and records."""
    lines = [json.dumps(line) + '\n' for line in (settings, *records)]
    replace_changed(out / JOURNAL, ''.join(lines).encode())


def labelled_keys(out: Path) -> set[str]:
    """Returns the keys of the labels of a conversion that label a pixel."""
    _, *lines = (out / JOURNAL).read_text(encoding='utf-8').splitlines()
    return {
        record['key']
        for record in map(json.loads, lines)
        if {*record['pixels']} != {str(UNLABELLED)}
    }


def label_digest(content: bytes) -> str:
    """Returns a digest of a label file."""
    return hashlib.sha256(content).hexdigest()[:16]


def replace_changed(path: Path, content: bytes) -> None:
    """Replaces a file at once, unless it has the content."""
    if path.is_file() and path.read_bytes() == content:
        return
    atomic.replace_file(path, content)
