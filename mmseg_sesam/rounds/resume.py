"""The rounds that a run begins with: another run's, or a checkpoint's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmseg_sesam.io.json_values import diff, json_digest
from mmseg_sesam.store.store import (
    CONFIDENT,
    FILES_DIGEST,
    STORE_NAME,
    PseudoLabelStore,
)

_SETTINGS = 'settings_sha256'
_NOTED = (FILES_DIGEST, _SETTINGS, 'iteration')


def take_over_first(
    store: PseudoLabelStore, folder: str | Path, settings: dict[str, Any]
) -> None:
    """Copies round 0 of another run, unless the store has the same, whole.

    The folder is that run's work dir or store, or the output of
    tools/generate_pseudo_labels.py.

    Raises:
        ValueError: the folder has no whole round 0, or one that was made
            with other settings.
    """
    if store.settings(0) == settings and not store.damaged(0):
        return
    source = PseudoLabelStore(folder)
    if source.manifest(0) is None:
        source = PseudoLabelStore(Path(folder, STORE_NAME))
    if wrong := source.damaged(0):
        raise ValueError(
            f'init_from={str(folder)!r} of SAMPseudoLabelHook holds no whole '
            f'round 0 ({wrong[0]} is missing or damaged); give a work dir, '
            'or the output of tools/generate_pseudo_labels.py, or take '
            'init_from out to make the round.'
        )
    if changed := diff(source.settings(0), settings):
        raise ValueError(
            f'The round 0 of init_from={str(folder)!r} was made with other '
            f'settings: {changed}; set them to the same values, or take '
            'init_from of SAMPseudoLabelHook out.'
        )
    store.take_over_first(source)


def digests_of(manifest: dict[str, Any] | None) -> dict[str, Any]:
    """Returns what identifies a round, and the iteration to rebuild it."""
    manifest = manifest or {}
    return {name: manifest[name] for name in _NOTED if name in manifest}


def inspect_round(
    store: PseudoLabelStore,
    round_index: int,
    noted: dict[str, Any],
    settings: dict[str, Any],
    with_confident: bool,
) -> tuple[str, str]:
    """Returns why a checkpoint's round is unusable, and how settings differ.

    Both are parts of a message, and empty if nothing is wrong. `noted` comes
    from the checkpoint, see `digests_of`; `with_confident` requires the
    teacher's predictions.
    """
    manifest, fault = store.manifest(round_index), ''
    folder = store.folder(round_index)
    is_noted = manifest and manifest.get(FILES_DIGEST) == noted.get(
        FILES_DIGEST
    )
    if manifest and not is_noted:
        fault = 'it is not the one of the checkpoint'
    elif wrong := store.damaged(round_index):
        fault = f'{len(wrong)} of its files are damaged or missing, such as '
        fault += wrong[0]
    elif (
        with_confident
        # Round 0 is made without a teacher.
        and round_index
        and not (folder / CONFIDENT).is_dir()
    ):
        fault = 'it holds no predictions of a teacher'
    changed, digest = '', json_digest(settings)
    if is_noted:
        before = store.settings(round_index)
        if different := before and diff(before, settings):
            changed = (
                f'{folder}, the round of the resumed checkpoint, was made '
                f'with other settings: {different}'
            )
    elif noted.get(_SETTINGS, digest) != digest:
        changed = (
            'The settings of pseudo-labels are not those of the resumed '
            f'checkpoint, and which ones differ is unknown, because {folder}, '
            'its round, is lost'
        )
    return fault, changed
