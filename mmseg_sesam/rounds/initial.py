"""Round 0 of another run, as the first of this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmseg_sesam.rounds.provenance import diff
from mmseg_sesam.store.store import STORE_NAME, PseudoLabelStore


def take_over_first(
    store: PseudoLabelStore, folder: str | Path, settings: dict[str, Any]
) -> None:
    """Copies round 0 of another run, unless the store has one like it.

    Args:
        store: of this run.
        folder: work dir or store of the other run, or the output of
            tools/generate_pseudo_labels.py. It stays as it is.
        settings: of this run, from `provenance.fingerprint`.

    Raises:
        ValueError: the folder has no whole round 0, or one that was made
            with other settings.
    """
    if store.settings(0) == settings:
        return
    source = PseudoLabelStore(folder)
    if source.manifest(0) is None:
        source = PseudoLabelStore(Path(folder, STORE_NAME))
    wrong = source.damaged(0)
    if wrong:
        raise ValueError(
            f'init_from={str(folder)!r} of SAMPseudoLabelHook holds no whole '
            f'round 0 ({wrong[0]} is missing or damaged); give a work dir, '
            'or the output of tools/generate_pseudo_labels.py.'
        )
    changed = diff(source.settings(0), settings)
    if changed:
        raise ValueError(
            f'The round 0 of init_from={str(folder)!r} was made with other '
            f'settings: {changed}; set them to the same values, or take '
            'init_from of SAMPseudoLabelHook out.'
        )
    store.take_over(0, source)
