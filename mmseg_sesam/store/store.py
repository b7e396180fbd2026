"""Rounds of pseudo-labels on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import numpy as np

from mmseg_sesam.core.component_masks import StoredMask, load_masks, save_masks
from mmseg_sesam.io.atomic import PARTS, remove_parts, replacing, sync_file
from mmseg_sesam.io.images import open_image
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.io.locks import FolderLock, lock_folder
from mmseg_sesam.store.journal import Journal, checksum, damaged

LABELS = 'labels'
CONFIDENT = 'confident'
RECORDS = 'records'
MASKS = 'masks'
# What of a manifest tells two rounds of one number apart.
FILES_DIGEST = 'files_sha256'
_CURRENT = 'CURRENT'
_MANIFEST = 'manifest.json'
_FILES = 'files.json'
_STAGING = '.staging'
_REMOVED = 'removed_'
_DISPLACED = '.old'
# File systems flush many files at once much faster than one by one.
_SYNC_THREADS = 16


def sample_key(img_path: str, data_root: str) -> str:
    """Names an image by its path relative to the data root.

    Args:
        img_path: path of the image.
        data_root: folder that holds all images, however deep.

    Returns:
        The relative path without suffix, with forward slashes.

    Raises:
        ValueError: the image lies outside of the data root.
    """
    relative = os.path.relpath(img_path, data_root)
    if relative.split(os.sep)[0] == os.pardir:
        raise ValueError(
            f'{img_path} lies outside of data_root={data_root!r}; set '
            'data_root, of the data set or of SimulateWeakLabel, to the '
            'folder that holds all training images.'
        )
    return Path(relative).with_suffix('').as_posix()


class PseudoLabelStore:
    """Keeps each round of pseudo-labels in a folder, one of them current.

    A round is staged beside the published ones and renamed when it is
    complete, so that whoever reads sees one whole round or another::

        root/
          CURRENT                      number of the published round
          round_0000/
            manifest.json              settings, summary, sha256 of the next
            files.json                 shape, components and the sha256 of
                                       all files of each image
            labels/<key>.png           uint8 class ids, 255 unlabelled
            confident/<key>.png        the teacher's, where it is stored
            records/<key>.json         one record for each component
            masks/<key>.npz            their masks, for the next round

    Args:
        root: folder of the store; made when the first round is staged.
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
            content = path.read_bytes()
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
        """Where a round lies once it is published."""
        return self.root / f'round_{round_index:04d}'

    def staging(self, round_index: int) -> Path:
        """Where a round lies until it is published."""
        return self.root / _STAGING / f'round_{round_index:04d}'

    def manifest(self, round_index: int) -> dict[str, Any] | None:
        """Settings and summary of a complete round, None if there is none."""
        return _read_object(self.folder(round_index) / _MANIFEST)

    def rounds(self) -> list[int]:
        """The numbers of all complete rounds."""
        numbers = (
            path.parent.name[len('round_') :]
            for path in self.root.glob(f'round_*/{_MANIFEST}')
        )
        return sorted(int(n) for n in numbers if n.isdigit())

    def holds_confident(self, round_index: int) -> bool:
        """Whether a round has the teacher's predictions."""
        return (self.folder(round_index) / CONFIDENT).is_dir()

    def size(self, round_index: int) -> int:
        """Bytes of a round's files, published or staged."""
        folders = self.folder(round_index), self.staging(round_index)
        files = [p for folder in folders for p in folder.rglob('*.*')]
        return sum(path.stat().st_size for path in files if path.is_file())

    def journal(self, round_index: int) -> Journal:
        """Notes on what is staged of a round."""
        return Journal(self.staging(round_index))

    def begin(self, round_index: int, identity: dict[str, Any]) -> None:
        """Opens the staging folder of a round.

        What an earlier run staged is kept if it is of the same identity.

        Args:
            round_index: number of the round.
            identity: all that the round depends on, as JSON values.
        """
        self.journal(round_index).open(identity)

    def stage(
        self,
        round_index: int,
        key: str,
        maps: dict[str, np.ndarray],
        records: Sequence[dict],
        masks: dict[str, StoredMask],
        counts: Sequence[int] = (),
        palette: Sequence[Sequence[int]] | None = None,
    ) -> None:
        """Writes all that a round has of one image into the staging folder.

        Args:
            round_index: number of the round.
            key: name of the image, see `sample_key`.
            maps: (H, W) uint8 label maps, by `LABELS` and `CONFIDENT`.
            records: the components', as JSON values.
            masks: the components', by name.
            counts: of the image, for the summary of the round.
            palette: RGB of each class, for image viewers.
        """
        staging, files = self.staging(round_index), []

        def place(kind: str, suffix: str) -> Path:
            path = staging / kind / f'{key}{suffix}'
            path.parent.mkdir(parents=True, exist_ok=True)
            files.append(path)
            return path

        for kind, label in maps.items():
            write_label(place(kind, '.png'), label, palette)
        place(RECORDS, '.json').write_text(json.dumps(records))
        save_masks(place(MASKS, '.npz'), masks)
        facts = dict(
            shape=list(maps[LABELS].shape),
            components=len(records),
            counts=list(counts),
        )
        self.journal(round_index).note(key, files, facts)

    def masks(self, round_index: int, key: str) -> dict[str, StoredMask]:
        """Masks of one image in a published round; none where damaged."""
        return load_masks(self.folder(round_index) / MASKS / f'{key}.npz')

    def commit(self, round_index: int, manifest: dict[str, Any]) -> None:
        """Turns the staging folder into the published round.

        A round of the same number that is there already is replaced if it
        is the same one, or a later one of the same work dir, as checkpoints
        are. Another run's, and a round 0 of other settings, is kept beside
        it under another name.

        Args:
            round_index: number of the round.
            manifest: settings and summary, as JSON values.

        Raises:
            OSError: a file is not on disk as it was written.
        """
        staging, folder = self.staging(round_index), self.folder(round_index)
        notes = self.journal(round_index).read()
        names = ('shape', 'components', 'files')
        images = {
            key: {name: notes[key][name] for name in names}
            for key in sorted(notes)
        }
        (staging / _FILES).write_text(json.dumps(images, indent=1))
        _sync(staging.rglob('*'))
        for image in images.values():
            if wrong := damaged(staging, image['files']):
                raise OSError(
                    f'{staging / wrong[0]} is not as it was written; see '
                    'whether the disk is sound.'
                )
        # Written last: it proves the list of files, and that the files.
        manifest = dict(manifest, **{FILES_DIGEST: checksum(staging / _FILES)})
        (staging / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        _sync([staging / _MANIFEST, staging])
        if folder.exists():
            self._clear_place(round_index, manifest)
        staging.rename(folder)
        self.publish(round_index)
        # Not before: a run killed until here goes on with what they prove.
        Journal(folder).clear()
        self._remove_remains()

    def publish(self, round_index: int) -> None:
        """Makes a complete round the current one, in one step.

        Raises:
            FileNotFoundError: the round is not there or not complete.
        """
        if self.manifest(round_index) is None:
            raise FileNotFoundError(
                f'{self.folder(round_index)} holds no complete round of '
                'pseudo-labels; restore that folder, or start the run anew '
                'without --resume.'
            )
        with replacing(self.root / _CURRENT, sync=True) as part:
            part.write_text(str(round_index))
        sync_file(self.root)

    def bring_back(
        self, round_index: int, wanted: Callable[[dict[str, Any]], bool]
    ) -> None:
        """Puts a round that another run has displaced in its place again.

        The other run's is kept as this one was. Without a round that is
        wanted, or with it in its place, nothing changes.

        Args:
            round_index: number of the round.
            wanted: tells by its manifest whether a round is.
        """
        folder = self.folder(round_index)
        displaced = sorted(self.root.glob(f'{folder.name}{_DISPLACED}*'))
        for place in [folder, *displaced]:
            manifest = _read_object(place / _MANIFEST)
            if manifest is None or not wanted(manifest):
                continue
            if place != folder:
                if folder.exists():
                    folder.rename(_free_name(folder))
                place.rename(folder)
            return

    def change_work_dir(self, before: str, now: str) -> None:
        """Notes that the training which made some rounds was moved.

        Args:
            before: work dir that the rounds' manifests name.
            now: where it is now.
        """
        for round_index in self.rounds():
            manifest = self.manifest(round_index) or {}
            if before == now or manifest.get('work_dir') != before:
                continue
            manifest['work_dir'] = now
            path = self.folder(round_index) / _MANIFEST
            with replacing(path, sync=True) as part:
                part.write_text(json.dumps(manifest, indent=1))

    def lock(self) -> FolderLock:
        """A lock that one run holds, lest two write into one store.

        It ends with the process, however that ends. Whoever gets it clears
        away what killed runs have left.

        Raises:
            ValueError: another run holds it.
        """
        lock = lock_folder(
            self.root,
            'wait for its end, or give this run another work dir',
        )
        self._remove_remains()
        return lock

    def remove(self, round_index: int) -> None:
        """Removes a round that is not current."""
        self._discard(round_index)
        self._remove_remains()

    def _discard(self, round_index: int) -> None:
        """Takes a round out of its place, in one step."""
        aside = self.root / _STAGING / f'{_REMOVED}{round_index:04d}'
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(exist_ok=True)
        self.folder(round_index).rename(aside)

    def _clear_place(self, round_index: int, manifest: dict) -> None:
        """Makes room for a round where there is one of its number."""
        folder = self.folder(round_index)
        old = self.manifest(round_index) or {}

        def alike(name: str) -> bool:
            return name in old and old[name] == manifest.get(name)

        if alike('identity') or (round_index and alike('work_dir')):
            self._discard(round_index)
        else:
            folder.rename(_free_name(folder))

    def _remove_remains(self) -> None:
        """Removes what only killed runs leave."""
        for path in (self.root / _STAGING).glob(f'{_REMOVED}*'):
            shutil.rmtree(path, ignore_errors=True)
        for round_index in self.rounds():
            Journal(self.folder(round_index)).clear()
        remove_parts(self.root.glob(PARTS))

    def damaged(self, round_index: int) -> list[str]:
        """Files of a published round that are missing or damaged.

        Args:
            round_index: number of the round.

        Returns:
            Their paths relative to the round's folder.
        """
        folder = self.folder(round_index)
        manifest = self.manifest(round_index)
        if manifest is None:
            return [_MANIFEST]
        proof = manifest.get(FILES_DIGEST, '')
        if damaged(folder, {_FILES: proof}):
            return [_FILES]
        return [
            path
            for image in _read_object(folder / _FILES).values()
            for path in damaged(folder, image['files'])
        ]

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
        try:
            with open_image(path) as image:
                label = np.array(image)
        except FileNotFoundError:
            raise FileNotFoundError(
                f'{path} is missing from a published round of '
                'pseudo-labels; make the round again with '
                'tools/generate_pseudo_labels.py.'
            ) from None
        except Exception as error:  # noqa: BLE001, Pillow raises anything
            raise ValueError(
                f'{path} cannot be read as an image ({error}); make the '
                'round again with tools/generate_pseudo_labels.py.'
            ) from error
        if label.ndim != 2 or label.dtype != np.uint8:
            raise ValueError(
                f'{path} is {label.dtype} of shape {label.shape}, expected '
                'one channel of uint8 class ids; make the round again with '
                'tools/generate_pseudo_labels.py.'
            )
        return label


def _free_name(folder: Path) -> Path:
    """A name for an earlier run's round that no folder has."""
    count = 1
    while (
        name := folder.with_name(f'{folder.name}{_DISPLACED}{count}')
    ).exists():
        count += 1
    return name


def _read_object(path: Path) -> dict[str, Any] | None:
    """Reads a JSON object, None if there is none or it is damaged."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _sync(paths: Iterable[Path]) -> None:
    """Waits until files, and the entries of folders, are on disk."""
    with ThreadPoolExecutor(_SYNC_THREADS) as threads:
        list(threads.map(sync_file, paths))
