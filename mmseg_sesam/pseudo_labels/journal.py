"""Which images of an unfinished round are done, and proven to be whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine import dist

_IDENTITY = 'identity.json'
_JOURNAL = 'journal.{}.jsonl'


class Journal:
    """Notes in the staging folder of a round.

    Each rank appends a line for an image once all its files are written,
    with their checksums: whatever instant a run is killed at, the next one
    keeps what is noted and whole, and makes the rest.

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
        if path.is_file() and path.read_text() == text:
            self._keep(self._proven())
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        temporary = path.with_name(f'.{_IDENTITY}')
        temporary.write_text(text)
        os.replace(temporary, path)

    def note(self, key: str, files: Iterable[Path], counts: list[int]) -> None:
        """Notes that all files of an image are written.

        Args:
            key: name of the image.
            files: of the image, in the folder.
            counts: of the image, for the summary of the round.
        """
        digests = {
            path.relative_to(self.folder).as_posix(): checksum(path)
            for path in files
        }
        line = json.dumps(dict(key=key, files=digests, counts=counts))
        path = self.folder / _JOURNAL.format(dist.get_rank())
        with path.open('a', encoding='utf-8') as file:
            # A line that was cut off must not swallow this one.
            file.write('\n' + line + '\n')

    def read(self) -> dict[str, dict[str, Any]]:
        """What is noted by all ranks, by the names of the images."""
        notes = {}
        for path in sorted(self.folder.glob(_JOURNAL.format('*'))):
            for line in path.read_text(encoding='utf-8').splitlines():
                try:
                    note = json.loads(line)
                except ValueError:
                    # The last line of a run that was killed.
                    continue
                notes[note['key']] = note
        return notes

    def clear(self) -> None:
        """Removes the notes."""
        for path in self.folder.glob(_JOURNAL.format('*')):
            path.unlink()
        (self.folder / _IDENTITY).unlink(missing_ok=True)

    def _keep(self, notes: dict[str, dict[str, Any]]) -> None:
        """Replaces all notes by some, in one file."""
        temporary = self.folder / '.notes'
        lines = [json.dumps(note) + '\n' for note in notes.values()]
        temporary.write_text(''.join(lines), encoding='utf-8')
        for path in self.folder.glob(_JOURNAL.format('*')):
            path.unlink()
        os.replace(temporary, self.folder / _JOURNAL.format(0))

    def _proven(self) -> dict[str, dict[str, Any]]:
        """What is noted, and still as it was noted."""
        return {
            key: note
            for key, note in self.read().items()
            if not damaged(self.folder, note['files'])
        }


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
