"""The journal of a conversion: its settings, and what it wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable, NamedTuple

from mmseg_sesam.annotations.files import shown
from mmseg_sesam.io import atomic
from mmseg_sesam.io.listing import is_empty_or_absent
from mmseg_sesam.structures import UNLABELLED

# First line: settings. Then the record of each label that is done, and between
# them the keys whose labels a run began to write.
JOURNAL = 'conversion.jsonl'

Record = dict[str, Any]


class Written(NamedTuple):
    """The labels that a conversion wrote.

    Attributes:
        records: of the labels that are done, by key.
        begun: keys of labels that an interrupted run may have written after
            their record, or without one.
    """

    records: dict[str, Record]
    begun: set[str]


def load_written(
    out: Path,
    settings: Record,
    keys: set[str],
    renew: Callable[[], None] | None = None,
) -> Written:
    """Returns what an earlier run wrote.

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
        return Written({}, set())
    header, *lines = path.read_text(encoding='utf-8').split('\n')
    written = _read_lines(lines)
    records, begun = written
    earlier = json.loads(header)
    gone = sorted({*records, *begun} - keys)
    changed = [
        key
        for key in sorted({*earlier, *settings})
        if earlier.get(key) != settings.get(key)
    ]
    if renew:
        old = sorted({*records, *begun}) if changed else gone
        edited = edited_keys(out, written, old)
        if edited:
            raise ValueError(edited_label(out / f'{edited[0]}.png'))
        if changed:
            renew()
        for key in old:
            records.pop(key, None)
            begun.discard(key)
            (out / f'{key}.png').unlink(missing_ok=True)
    elif changed:
        key = changed[0]
        raise ValueError(
            f'{out} was made with {key}={shown(earlier.get(key))}, and now '
            f'{key}={shown(settings.get(key))} is asked for; give a new '
            'folder, or the earlier setting.'
        )
    elif gone:
        raise ValueError(
            f'{out} holds labels of {len(gone)} annotations that are gone, '
            f'such as {gone[0]}; give a new folder, or bring them back.'
        )
    return written


def _read_lines(lines: list[str]) -> Written:
    records, begun = {}, set()
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            # An interrupted run may leave a truncated last line.
            continue
        if 'begun' in found:
            begun = {*found['begun']}
        else:
            records[found['key']] = found
            begun.discard(found['key'])
    return Written(records, begun)


def edited_keys(out: Path, written: Written, keys: Iterable[str]) -> list[str]:
    """Returns the keys of labels that are not as a conversion wrote them."""
    return [
        key
        for key in keys
        if key not in written.begun
        and (path := out / f'{key}.png').is_file()
        and (
            key not in written.records
            or written.records[key]['digest']
            != label_digest(path.read_bytes())
        )
    ]


def edited_since(out: Path, keys: Iterable[str]) -> list[str]:
    """Returns the keys of labels that somebody changed since a conversion."""
    _, *lines = (out / JOURNAL).read_text(encoding='utf-8').split('\n')
    return edited_keys(out, _read_lines(lines), keys)


def edited_label(path: Path) -> str:
    """Returns why a label that somebody changed is not replaced."""
    return (
        f'{path} is not as this tool wrote it, and shall not be overwritten; '
        'move it away, or give another folder.'
    )


def write_journal(
    out: Path,
    settings: Record,
    records: Iterable[Record],
    begun: Iterable[str] = (),
) -> None:
    """Writes settings, records, and the keys whose labels will be written."""
    lines = [settings, *records]
    if begun:
        lines.append(dict(begun=sorted(begun)))
    text = ''.join(json.dumps(line) + '\n' for line in lines)
    replace_changed(out / JOURNAL, text.encode())


def add_record(out: Path, record: Record) -> None:
    """Adds the record of a label that is done."""
    with (out / JOURNAL).open('a', encoding='utf-8') as file:
        file.write(json.dumps(record) + '\n')


def labelled_keys(out: Path) -> set[str]:
    """Returns the keys of the labels of a conversion that label a pixel."""
    return {key for key, ids in label_classes(out).items() if ids}


def label_classes(out: Path) -> dict[str, set[int]]:
    """Returns the class ids in each label of a conversion by its key."""
    _, *lines = (out / JOURNAL).read_text(encoding='utf-8').splitlines()
    return {
        record['key']: {*map(int, record['pixels'])} - {UNLABELLED}
        for record in map(json.loads, lines)
    }


def label_digest(content: bytes) -> str:
    """Returns a digest of a label file."""
    return hashlib.sha256(content).hexdigest()[:16]


def replace_changed(path: Path, content: bytes) -> None:
    """Replaces a file at once, unless it has the content."""
    if path.is_file() and path.read_bytes() == content:
        return
    atomic.replace_file(path, content)
