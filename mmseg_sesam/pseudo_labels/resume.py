"""What is left of the rounds that a resumed run needs."""

from __future__ import annotations

from typing import Any, NamedTuple

from .settings import changes
from .store import PROOF, PseudoLabelStore


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


def find_rounds(
    store: PseudoLabelStore,
    round_index: int,
    proof: str | None,
    settings: dict[str, Any],
) -> Found:
    """Looks for a run's round and its round 0.

    Those that another run has displaced are put in their places again.

    Args:
        store: that the run used.
        round_index: of the checkpoint that the run goes on from.
        proof: of that round, see `PROOF`; None if the checkpoint has none.
        settings: of the run, from `describe`.

    Returns:
        What is there, and what is not.
    """

    def is_own(manifest: dict[str, Any]) -> bool:
        return proof is None or manifest.get(PROOF) == proof

    store.bring_back(0, lambda manifest: _settings(manifest) == settings)
    store.bring_back(round_index, is_own)
    first_is_lost = _settings(store.manifest(0)) != settings
    manifest = store.manifest(round_index)
    if manifest and not is_own(manifest):
        return Found('it is of another run', '', first_is_lost)
    before = _settings(manifest)
    changed = changes(before, settings) if before else ''
    wrong = store.damaged(round_index)
    fault = ''
    if wrong:
        fault = f'{len(wrong)} of its files are damaged or missing, such as '
        fault += wrong[0]
    return Found(fault, changed, first_is_lost)


def _settings(manifest: dict[str, Any] | None) -> dict[str, Any] | None:
    """The settings that a round was made with, if they are known."""
    return manifest and manifest.get('identity', {}).get('settings')
