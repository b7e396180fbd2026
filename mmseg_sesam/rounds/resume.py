"""What is left of the rounds that a resumed run needs."""

from __future__ import annotations

from typing import Any, NamedTuple

from mmseg_sesam.rounds.provenance import changes, settings_digest
from mmseg_sesam.store.store import FILES_DIGEST, PseudoLabelStore

_SETTINGS = 'settings_sha256'
_MARKS = (FILES_DIGEST, _SETTINGS, 'iteration')


class Found(NamedTuple):
    """What a resumed run found in its store.

    Attributes:
        fault: why its round cannot be gone on with; empty if it can.
        changed: settings that changed since the round was made, in words.
        first_is_lost: whether there is no round 0 of these settings.
    """

    fault: str
    changed: str
    first_is_lost: bool


def digests_of(manifest: dict[str, Any] | None) -> dict[str, Any]:
    """What a checkpoint notes of its round.

    Args:
        manifest: of the round.

    Returns:
        By what to know the round again, and how to make it again.
    """
    manifest = manifest or {}
    return {name: manifest[name] for name in _MARKS if name in manifest}


def find_rounds(
    store: PseudoLabelStore,
    round_index: int,
    made: dict[str, Any],
    settings: dict[str, Any],
    with_confident: bool = False,
) -> Found:
    """Looks for a run's round and its round 0.

    Those that another run has displaced are put in their places again.

    Args:
        store: that the run used.
        round_index: of the checkpoint that the run goes on from.
        made: what the checkpoint notes of it, see `digests_of`.
        settings: of the run, from `describe`.
        with_confident: training needs the teacher's stored predictions.

    Returns:
        What is there, and what is not.
    """

    def is_own(manifest: dict[str, Any]) -> bool:
        return manifest.get(FILES_DIGEST) == made.get(
            FILES_DIGEST, manifest.get(FILES_DIGEST)
        )

    store.bring_back(0, lambda manifest: _settings(manifest) == settings)
    if FILES_DIGEST in made:
        store.bring_back(round_index, is_own)
    first_is_lost = _settings(store.manifest(0)) != settings
    manifest = store.manifest(round_index)
    if manifest is not None and is_own(manifest):
        before = _settings(manifest)
        changed = changes(before, settings) if before else ''
        fault = _fault(store, round_index, with_confident)
        return Found(fault, changed, first_is_lost)
    fault = 'it is not the one of the checkpoint'
    if manifest is None:
        fault = _fault(store, round_index, with_confident)
    digest = settings_digest(settings)
    same = made.get(_SETTINGS, digest) == digest
    changed = '' if same else 'it is not there to tell which'
    return Found(fault, changed, first_is_lost)


def _fault(
    store: PseudoLabelStore, round_index: int, with_confident: bool
) -> str:
    """Why a round cannot be gone on with, in words; empty if it can."""
    wrong = store.damaged(round_index)
    if wrong:
        return (
            f'{len(wrong)} of its files are damaged or missing, such as '
            f'{wrong[0]}'
        )
    # Round 0 is made without a teacher.
    needed = with_confident and round_index > 0
    if needed and not store.holds_confident(round_index):
        return 'it holds no predictions of a teacher'
    return ''


def _settings(manifest: dict[str, Any] | None) -> dict[str, Any] | None:
    """The settings that a round was made with, if they are known."""
    return manifest and manifest.get('identity', {}).get('settings')
