"""Rounds of pseudo-labels on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from PIL import Image

from .journal import Journal, damaged
from .kept import KeptMask, load_masks, save_masks

LABELS = 'labels'
CONFIDENT = 'confident'
RECORDS = 'records'
MASKS = 'masks'
_CURRENT = 'CURRENT'
_LOCK = '.lock'
_MANIFEST = 'manifest.json'
_FILES = 'files.json'
_STAGING = '.staging'


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
            'data_root of LoadPseudoLabel and SAMPseudoLabelHook to the '
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
            manifest.json              settings and summary
            files.json                 sha256 of each image's files
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
        """The published round, None before the first."""
        try:
            return int((self.root / _CURRENT).read_text())
        except FileNotFoundError:
            return None

    def folder(self, round_index: int) -> Path:
        """Where a round lies once it is published."""
        return self.root / f'round_{round_index:04d}'

    def staging(self, round_index: int) -> Path:
        """Where a round lies until it is published."""
        return self.root / _STAGING / f'round_{round_index:04d}'

    def manifest(self, round_index: int) -> dict[str, Any] | None:
        """Settings and summary of a complete round, None if there is none."""
        try:
            text = (self.folder(round_index) / _MANIFEST).read_text()
        except FileNotFoundError:
            return None
        return json.loads(text)

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
        masks: dict[str, KeptMask],
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
        self.journal(round_index).note(key, files, list(counts))

    def masks(self, round_index: int, key: str) -> dict[str, KeptMask]:
        """Masks of one image in a published round; none where damaged."""
        return load_masks(self.folder(round_index) / MASKS / f'{key}.npz')

    def commit(self, round_index: int, manifest: dict[str, Any]) -> None:
        """Turns the staging folder into the published round.

        A round of the same number that is there already, as an earlier run
        left it, is kept beside it under another name.

        Args:
            round_index: number of the round.
            manifest: settings and summary, as JSON values.
        """
        staging, folder = self.staging(round_index), self.folder(round_index)
        notes = self.journal(round_index).read()
        files = {key: notes[key]['files'] for key in sorted(notes)}
        (staging / _FILES).write_text(json.dumps(files, indent=1))
        (staging / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        _sync_tree(staging)
        if folder.exists():
            folder.rename(_free_name(folder))
        staging.rename(folder)
        self.publish(round_index)
        # Not before: a run killed until here goes on with what they prove.
        Journal(folder).clear()

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
        temporary = self.root / f'.{_CURRENT}'
        temporary.write_text(str(round_index))
        _sync(temporary)
        os.replace(temporary, self.root / _CURRENT)
        _sync(self.root)

    def lock(self) -> FileLock:
        """A lock that one run holds, lest two write into one store.

        It ends with the process, however that ends.

        Raises:
            ValueError: another run holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f'{self.root} is in use by another run; wait for its end, '
                'or give this run another pseudo_label_dir and work dir.'
            ) from None
        return lock

    def remove(self, round_index: int) -> None:
        """Removes a round that is not current."""
        folder = self.folder(round_index)
        # First of all it is no complete round any more.
        (folder / _MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def damaged(self, round_index: int) -> list[str]:
        """Files of a published round that are missing or damaged.

        Args:
            round_index: number of the round.

        Returns:
            Their paths relative to the round's folder.
        """
        folder = self.folder(round_index)
        try:
            images = json.loads((folder / _FILES).read_text())
        except (OSError, ValueError):
            return [_FILES]
        return [
            path
            for files in images.values()
            for path in damaged(folder, files)
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
            with Image.open(path) as image:
                return np.array(image)
        except FileNotFoundError:
            raise FileNotFoundError(
                f'{path} is missing from a published round of '
                'pseudo-labels; make the round again with '
                'tools/generate_pseudo_labels.py.'
            ) from None
        except (OSError, SyntaxError) as error:
            raise ValueError(
                f'{path} cannot be read as an image ({error}); make the '
                'round again with tools/generate_pseudo_labels.py.'
            ) from error


def write_label(
    path: Path,
    label: np.ndarray,
    palette: Sequence[Sequence[int]] | None = None,
) -> None:
    """Writes a label map as an index PNG.

    Args:
        path: of the file; its folder exists.
        label: (H, W) uint8.
        palette: RGB of each class, for image viewers.
    """
    image = Image.fromarray(label)
    if palette:
        # All 256 colours: with fewer, Pillow packs indices into fewer bits
        # and cuts the unlabelled 255 down to 15.
        colours = np.zeros((256, 3), np.uint8)
        colours[: len(palette)] = palette
        image.putpalette(colours.tobytes())
    image.save(path, compress_level=1)


def _free_name(folder: Path) -> Path:
    """A name for an earlier run's round that no folder has."""
    count = 1
    while (name := folder.with_name(f'{folder.name}.old{count}')).exists():
        count += 1
    return name


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob('*'), folder, folder.parent]:
        _sync(path)


def _sync(path: Path) -> None:
    """Waits until a file, or a folder's entries, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
