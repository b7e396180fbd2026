"""Which images of an unfinished round are done, and proven to be whole."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmseg_sesam.io.atomic import PARTS, remove_parts, replacing

_IDENTITY = 'identity.json'
_JOURNAL = 'journal.{}.jsonl'


class Journal:
    """Notes in the staging folder of a round.

    Each rank appends a line for an image once all its files are written,
    with their checksums and one of its own: whatever instant a run is
    killed at, the next one keeps what is noted and whole, and makes the rest.

    Args:
        folder: the staging folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, identity: dict[str, Any]) -> None:
        """Makes the folder, or keeps it if it is of the same round.

        Args:
            identity: all that the round depends on, as JSON values.
        """
        path = self.folder / _IDENTITY
        text = json.dumps(identity, sort_keys=True)
        if path.is_file() and path.read_bytes() == text.encode():
            self._keep(self._proven())
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        with replacing(path) as part:
            part.write_text(text)

    def note(
        self, key: str, files: Iterable[Path], facts: dict[str, Any]
    ) -> None:
        """Notes that all files of an image are written.

        Args:
            key: name of the image.
            files: of the image, in the folder.
            facts: shape, components and counts of the image, as JSON
                values.
        """
        digests = {
            path.relative_to(self.folder).as_posix(): checksum(path)
            for path in files
        }
        line = _write(dict(key=key, files=digests, **facts))
        # Readers of a store need no torch, which this imports.
        from mmengine import dist

        path = self.folder / _JOURNAL.format(dist.get_rank())
        with path.open('a', encoding='utf-8') as file:
            # A line that was cut off must not swallow this one.
            file.write('\n' + line)

    def read(self) -> dict[str, dict[str, Any]]:
        """What is noted by all ranks, by the names of the images."""
        notes = {}
        for path in sorted(self.folder.glob(_JOURNAL.format('*'))):
            for line in path.read_bytes().splitlines():
                # The last line of a run that was killed is none.
                note = _parse(line)
                if note is not None:
                    notes[note['key']] = note
        return notes

    def clear(self) -> None:
        """Removes the notes."""
        for path in self.folder.glob(_JOURNAL.format('*')):
            path.unlink()
        (self.folder / _IDENTITY).unlink(missing_ok=True)
        remove_parts(self.folder.glob(PARTS))

    def _keep(self, notes: dict[str, dict[str, Any]]) -> None:
        """Replaces all notes by some, in one file."""
        journals = list(self.folder.glob(_JOURNAL.format('*')))
        first = self.folder / _JOURNAL.format(0)
        # Before the others go: a kill in between loses no note.
        with replacing(first) as part:
            part.write_text(''.join(map(_write, notes.values())))
        for path in journals:
            if path != first:
                path.unlink()

    def _proven(self) -> dict[str, dict[str, Any]]:
        """What is noted, and still as it was noted."""
        return {
            key: note
            for key, note in self.read().items()
            if not damaged(self.folder, note['files'])
        }


def _write(note: dict[str, Any]) -> str:
    """A line of a journal, which proves itself."""
    text = json.dumps(note)
    return f'{hashlib.sha256(text.encode()).hexdigest()} {text}\n'


def _parse(line: bytes) -> dict[str, Any] | None:
    """The note of a line, None if it is not as it was written."""
    digest, _, text = line.partition(b' ')
    if hashlib.sha256(text).hexdigest().encode() != digest:
        return None
    return json.loads(text)


def checksum(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def damaged(folder: Path, files: dict[str, str]) -> list[str]:
    """Files that are missing, or not as their checksums say.

    Args:
        folder: that holds them.
        files: checksums by relative path.

    Returns:
        Relative paths.
    """
    wrong = []
    for relative, expected in files.items():
        path = folder / relative
        if not path.is_file() or checksum(path) != expected:
            wrong.append(relative)
    return wrong
