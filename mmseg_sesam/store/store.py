"""Rounds of pseudo-labels on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.io.atomic import PARTS, remove_parts, replace_file, sync_file
from mmseg_sesam.io.labels import read_label, write_label
from mmseg_sesam.io.locks import FolderLock, lock_folder
from mmseg_sesam.store.records import (
    checksum,
    damaged_files,
    read_object,
    read_record,
    write_record,
)

# Folder of a run's store in its work dir.
STORE_NAME = 'pseudo_labels'
LABELS = 'labels'
CONFIDENT = 'confident'
RECORDS = 'records'
# The key of a manifest that identifies all files of the round.
FILES_DIGEST = 'files_sha256'
_CURRENT = 'CURRENT'
_MANIFEST = 'manifest.json'
_FILES = 'files.json'
_LEARNED = 'learned.npz'
_STAGING = '.staging'
_TEMPORARY = 'temporary_'
# File systems flush many files at once much faster than one by one.
_SYNC_THREADS = 16
# A run makes its newest round again, and none before it.
_RESTORE = ', or restore the file if the run has later rounds'
_REMEDY = (
    f'make the round again with tools/generate_pseudo_labels.py{_RESTORE}'
)
# Later rounds need the teacher of a checkpoint.
_LATER_REMEDY = f'start the training again with --resume{_RESTORE}'


class PseudoLabelStore:
    """The rounds of a run, each in a folder, one of them current.

    A round is staged beside the published ones and renamed when it is
    complete, so that readers see one whole round or another::

        root/
          CURRENT                  number of the published round
          round_0000/
            manifest.json          settings, summary, digest of files.json
            files.json             digests of all records
            records/<key>.json     digests of the image's files, its shape,
                                   counts and components
            labels/<key>.png       uint8 class ids, 255 unlabelled
            confident/<key>.png    the teacher's, where they are stored

    Ranks write different images and no common file. The record of an image
    is written last: an image of an interrupted round is done if its record
    is there and its files match.

    Args:
        root: folder of the store; made when the first round is staged.

    Example:
        >>> from tempfile import mkdtemp
        >>> store = PseudoLabelStore(mkdtemp())
        >>> store.begin(0, identity={})
        >>> store.stage(0, 'a', {LABELS: np.zeros((2, 3), np.uint8)}, [])
        >>> store.commit(0, manifest={})
        >>> store.current, store.read('a', 0).shape
        (0, (2, 3))
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root)

    @property
    def current(self) -> int | None:
        """The published round, None before the first.

        Raises:
            ValueError: the file that names it is damaged.
        """
        path = self.root / _CURRENT
        try:
            # An editor or a shell ends the number with a new line.
            content = path.read_bytes().strip()
        except FileNotFoundError:
            return None
        if not content.isdigit():
            raise ValueError(
                f'{path} holds {content[:20]!r}, expected the number of the '
                f'published round; it has one of {self.rounds()}: write the '
                'newest.'
            )
        return int(content)

    def folder(self, round_index: int) -> Path:
        """Returns where a round lies once it is published."""
        return self.root / f'round_{round_index:04d}'

    def staging(self, round_index: int) -> Path:
        """Returns where a round lies until it is published."""
        return self.root / _STAGING / f'round_{round_index:04d}'

    def learned(self, round_index: int) -> Path:
        """Returns the file of what is learned before a round is staged."""
        return self.staging(round_index) / _LEARNED

    def manifest(self, round_index: int) -> dict[str, Any] | None:
        """Returns settings and summary of a complete round, or None."""
        return read_object(self.folder(round_index) / _MANIFEST)

    def settings(self, round_index: int) -> dict[str, Any] | None:
        """Returns the settings that made a complete round, or None."""
        identity = (self.manifest(round_index) or {}).get('identity')
        return identity.get('settings') if isinstance(identity, dict) else None

    def rounds(self) -> list[int]:
        """Returns the numbers of all complete rounds."""
        numbers = (
            path.parent.name[len('round_') :]
            for path in self.root.glob(f'round_*/{_MANIFEST}')
        )
        return sorted(int(n) for n in numbers if n.isdigit())

    def size(self, round_index: int) -> int:
        """Returns the bytes of a published round's files."""
        return _size(self.folder(round_index))

    def staged_size(self, round_index: int) -> int:
        """Returns the bytes of the files that are staged for a round."""
        return _size(self.staging(round_index))

    def read(
        self, key: str, round_index: int, kind: str = LABELS
    ) -> np.ndarray:
        """Reads a label map of one image.

        Args:
            key: name of the image, see `sample_key`.
            round_index: number of a published round.
            kind: `LABELS` or `CONFIDENT`.

        Returns:
            (H, W) uint8.

        Raises:
            FileNotFoundError: the round has no such map.
            ValueError: the map is damaged.
        """
        path = self.folder(round_index) / kind / f'{key}.png'
        remedy = _LATER_REMEDY if round_index else _REMEDY
        if not path.is_file():
            raise FileNotFoundError(
                f'{path} is missing from a published round of pseudo-labels; '
                f'{remedy}.'
            )
        return read_label(path, remedy=remedy)

    def record(self, key: str, round_index: int) -> dict[str, Any] | None:
        """Returns an image's record in a published round, or None.

        It holds 'files', their digests by relative path; 'shape', (H, W);
        'counts' and 'components', see `stage`.
        """
        return read_record(self.folder(round_index) / f'{RECORDS}/{key}.json')

    def damaged(self, round_index: int) -> list[str]:
        """Returns relative paths of a round's missing or damaged files."""
        folder = self.folder(round_index)
        manifest = self.manifest(round_index)
        if manifest is None:
            return [_MANIFEST]
        if damaged_files(folder, {_FILES: manifest.get(FILES_DIGEST, '')}):
            return [_FILES]
        records = read_object(folder / _FILES) or {}
        wrong = damaged_files(folder, records)
        for path in records.keys() - set(wrong):
            wrong += damaged_files(folder, read_record(folder / path)['files'])
        return sorted(wrong)

    def begin(self, round_index: int, identity: dict[str, Any]) -> None:
        """Opens the staging folder of a round.

        The images that an interrupted run staged stay if the identity, all
        that the round depends on as JSON values, is the same.

        Raises:
            OSError: images of another identity cannot be removed.
        """
        staging = self.staging(round_index)
        note = staging.with_suffix('.json')
        text = json.dumps(identity, sort_keys=True)
        if not note.is_file() or note.read_bytes() != text.encode():
            # Files that stayed would count as done with the new identity.
            if staging.exists():
                shutil.rmtree(staging)
            staging.parent.mkdir(parents=True, exist_ok=True)
            replace_file(note, text)
        staging.mkdir(exist_ok=True)

    def stage(
        self,
        round_index: int,
        key: str,
        maps: dict[str, np.ndarray],
        components: Sequence[dict],
        counts: Sequence[int] = (),
        palette: Sequence[Sequence[int]] | None = None,
    ) -> None:
        """Writes the files of one image into the staging folder.

        Args:
            round_index: number of the round.
            key: name of the image, see `sample_key`.
            maps: (H, W) uint8 label maps, by `LABELS` and `CONFIDENT`.
            components: records of the components, as JSON values.
            counts: counts of the image, see `RoundSummary`.
            palette: RGB of each class, for image viewers.
        """
        staging, files = self.staging(round_index), {}
        for kind, label in maps.items():
            path = staging / kind / f'{key}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            write_label(path, label, palette)
            files[f'{kind}/{key}.png'] = checksum(path)
        path = staging / f'{RECORDS}/{key}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        record = dict(
            files=files,
            shape=list(maps[LABELS].shape),
            counts=list(counts),
            components=list(components),
        )
        write_record(path, record)

    def staged(self, round_index: int) -> dict[str, list[int]]:
        """Returns the counts of images that are staged and whole, by key.

        The rest of their records would take gigabytes for a large data set.
        """
        staging = self.staging(round_index)
        found = {}
        for path in sorted((staging / RECORDS).rglob('*.json')):
            record = read_record(path)
            if record and not damaged_files(staging, record['files']):
                name = path.relative_to(staging / RECORDS)
                found[name.as_posix()[: -len('.json')]] = record['counts']
        return found

    def commit(self, round_index: int, manifest: dict[str, Any]) -> None:
        """Turns the staging folder into the published round.

        A round of the same number is replaced. The manifest holds settings
        and summary, as JSON values.
        """
        staging = self.staging(round_index)
        remove_parts(staging.rglob(PARTS))
        self.learned(round_index).unlink(missing_ok=True)
        digests = {
            path.relative_to(staging).as_posix(): checksum(path)
            for path in sorted((staging / RECORDS).rglob('*.json'))
        }
        (staging / _FILES).write_text(json.dumps(digests, indent=1))
        manifest = dict(manifest, **{FILES_DIGEST: checksum(staging / _FILES)})
        (staging / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        self._place(staging, round_index)

    def take_over_first(self, source: PseudoLabelStore) -> None:
        """Copies round 0 of another store, which stays as it is."""
        copy = self.root / _STAGING / f'{_TEMPORARY}copy'
        shutil.rmtree(copy, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source.folder(0), copy)
        self._place(copy, 0)

    def publish(self, round_index: int) -> None:
        """Makes a complete round the current one, in one step.

        Raises:
            FileNotFoundError: the round is not there or not complete.
        """
        if self.manifest(round_index) is None:
            raise FileNotFoundError(
                f'{self.folder(round_index)} holds no complete round of '
                'pseudo-labels; restore that folder, or start the run again '
                'without --resume.'
            )
        replace_file(self.root / _CURRENT, str(round_index), sync=True)
        sync_file(self.root)

    def lock(self) -> FolderLock:
        """Returns an exclusive lock, released when the process ends.

        It removes what killed runs have left.

        Raises:
            ValueError: another run holds it.
        """
        lock = lock_folder(
            self.root, 'wait for its end, or give this run another work dir'
        )
        self._remove_remains()
        return lock

    def remove(self, round_index: int) -> None:
        """Removes a round that is not current."""
        self._discard(round_index)
        self._remove_remains()

    def _place(self, folder: Path, round_index: int) -> None:
        """Moves a complete round to its place and publishes it."""
        paths = [folder, *folder.rglob('*')]
        with ThreadPoolExecutor(_SYNC_THREADS) as threads:
            list(threads.map(sync_file, paths))
        if self.folder(round_index).exists():
            self._discard(round_index)
        folder.rename(self.folder(round_index))
        self.publish(round_index)
        self._remove_remains()

    def _discard(self, round_index: int) -> None:
        """Moves a round out of its place, in one step."""
        aside = self.root / _STAGING / f'{_TEMPORARY}{round_index:04d}'
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(exist_ok=True)
        self.folder(round_index).rename(aside)

    def _remove_remains(self) -> None:
        """Removes what only killed runs leave."""
        staging = self.root / _STAGING
        for path in staging.glob(f'{_TEMPORARY}*'):
            shutil.rmtree(path, ignore_errors=True)
        for note in staging.glob('round_*.json'):
            if not note.with_suffix('').exists():
                note.unlink()
        remove_parts([*self.root.glob(PARTS), *staging.glob(PARTS)])


def _size(folder: Path) -> int:
    """Returns the bytes of a folder's files."""
    files = (path for path in folder.rglob('*.*') if path.is_file())
    return sum(path.stat().st_size for path in files)
