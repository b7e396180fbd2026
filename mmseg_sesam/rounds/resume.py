"""State of the rounds that a resumed run needs."""

from __future__ import annotations

from typing import Any, NamedTuple

from mmseg_sesam.rounds.provenance import diff, settings_digest
from mmseg_sesam.store.store import FILES_DIGEST, PseudoLabelStore

_SETTINGS = 'settings_sha256'
_NOTED = (FILES_DIGEST, _SETTINGS, 'iteration')


class RoundState(NamedTuple):
    """State of a resumed run's store.

    Attributes:
        fault: why its round cannot be used; empty if it can.
        changed: settings that changed since the round was made, in words.
        first_is_lost: whether there is no round 0 of these settings.
    """

    fault: str
    changed: str
    first_is_lost: bool


def digests_of(manifest: dict[str, Any] | None) -> dict[str, Any]:
    """Returns what a checkpoint notes of its round.

    Args:
        manifest: of the round.

    Returns:
        Digests that identify the round, and the iteration needed to rebuild
        it.
    """
    manifest = manifest or {}
    return {name: manifest[name] for name in _NOTED if name in manifest}


def inspect_round(
    store: PseudoLabelStore,
    round_index: int,
    noted: dict[str, Any],
    settings: dict[str, Any],
    with_confident: bool = False,
) -> RoundState:
    """Compares a run's round and its round 0 with its checkpoint.

    Args:
        store: of the run.
        round_index: of the checkpoint that is resumed.
        noted: from the checkpoint, see `digests_of`.
        settings: of the run, from `provenance.fingerprint`.
        with_confident: training needs the teacher's stored predictions.

    Returns:
        The state of both rounds.
    """
    first_is_lost = store.settings(0) != settings
    manifest = store.manifest(round_index)
    if manifest and noted.get(FILES_DIGEST) in (
        None,
        manifest.get(FILES_DIGEST),
    ):
        before = store.settings(round_index)
        changed = diff(before, settings) if before else ''
        fault = _find_fault(store, round_index, with_confident)
        return RoundState(fault, changed, first_is_lost)
    fault = 'it is not the one of the checkpoint'
    if manifest is None:
        fault = _find_fault(store, round_index, with_confident)
    digest = settings_digest(settings)
    same = noted.get(_SETTINGS, digest) == digest
    changed = '' if same else 'the round that tells which is not there'
    return RoundState(fault, changed, first_is_lost)


def _find_fault(
    store: PseudoLabelStore, round_index: int, with_confident: bool
) -> str:
    """Returns why a round cannot be used, empty if it can."""
    wrong = store.damaged(round_index)
    if wrong:
        return (
            f'{len(wrong)} of its files are damaged or missing, such as '
            f'{wrong[0]}'
        )
    # Round 0 is made without a teacher.
    if (
        with_confident
        and round_index
        and not store.holds_confident(round_index)
    ):
        return 'it holds no predictions of a teacher'
    return ''
