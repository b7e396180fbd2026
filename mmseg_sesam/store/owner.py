"""Which training made the rounds of a store, and may replace them."""

from __future__ import annotations

from typing import Any

from mmseg_sesam.store.store import PseudoLabelStore


class ForeignRoundsError(ValueError):
    """A training would replace rounds of another one."""


def refuse_foreign_rounds(
    store: PseudoLabelStore,
    settings: dict[str, Any],
    work_dir: str | None,
    remedy: str,
    first: int = 0,
    last: int = 0,
) -> None:
    """Raises if a training would replace rounds of another one.

    A round 0 of the same settings is shared and not replaced.

    Args:
        store: of the training.
        settings: of the training, from `describe`.
        work_dir: of the training, None for a round without one.
        remedy: how to give the training a store of its own.
        first: next round that the training makes.
        last: its last one.

    Raises:
        ForeignRoundsError: another training's rounds would be replaced.
    """
    for round_index in store.rounds():
        # A damaged round has none, and is made again.
        manifest = store.manifest(round_index) or {}
        owner = manifest.get('work_dir')
        if owner in (None, work_dir):
            continue
        made_with = manifest.get('identity', {}).get('settings')
        if round_index == 0 and made_with == settings:
            continue
        if first <= round_index <= last:
            raise ForeignRoundsError(
                f'{store.folder(round_index)} was made by the training in '
                f'{owner} and would be replaced: {remedy}.'
            )
