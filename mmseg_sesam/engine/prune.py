"""Removal of rounds that no checkpoint needs."""

from __future__ import annotations

from mmengine.runner import Runner

from mmseg_sesam.engine.checkpoints import checkpoints_of
from mmseg_sesam.store.store import PseudoLabelStore


def prune_rounds(
    runner: Runner, store: PseudoLabelStore, current: int
) -> None:
    """Removes rounds before the current one that no checkpoint needs.

    Round 0 stays, and so does the round before the current one: workers may
    have loaded batches of it ahead.

    Args:
        runner: whose checkpoints count.
        store: of its rounds.
        current: the published round.
    """
    made = {}
    for round_index in store.rounds():
        manifest = store.manifest(round_index) or {}
        made[round_index] = manifest.get('iteration', 0)
    needed = {0, current - 1}
    for path, iteration in checkpoints_of(runner).items():
        if iteration is None:
            runner.logger.info(
                f'Pseudo-labels: all rounds stay, since the name of {path} '
                'has no iteration, and it may need any of them.'
            )
            return
        # A checkpoint before a refresh needs the round before that.
        for last in (iteration, iteration - 1):
            needed.add(
                max((r for r, i in made.items() if i <= last), default=0)
            )
    for round_index in made.keys() - needed:
        if round_index < current:
            store.remove(round_index)
