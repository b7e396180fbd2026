"""Checkpoints of a running training, and the rounds that they need."""

from __future__ import annotations

import re
from pathlib import Path

from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmseg_sesam.store.store import PseudoLabelStore


def save_checkpoint_now(runner: Runner) -> None:
    """Saves a checkpoint unless one was just saved on schedule.

    Only a `CheckpointHook` that saves by iterations does so; the checkpoint
    counts towards its `max_keep_ckpts`.
    """
    for hook in _checkpoint_hooks(runner):
        name = hook.filename_tmpl.format(runner.iter + 1)
        due = hook.interval > 0 and not hook.by_epoch
        if due and Path(hook.last_ckpt or '').name != name:
            hook._save_checkpoint(runner)


def prune_rounds(
    runner: Runner, store: PseudoLabelStore, current: int
) -> None:
    """Removes rounds that neither the run nor a checkpoint needs.

    These are rounds before the current one, and those of other settings,
    which a run that continues with a new round 0 leaves. Round 0 stays, and
    so does the round before the current one: workers may have loaded batches
    of it ahead.
    """
    saved = _saved_iterations(runner)
    if saved is None:
        return
    # Iteration in which each round was made, by number.
    made = {
        number: (store.manifest(number) or {}).get('iteration', 0)
        for number in store.rounds()
    }
    settings = store.settings(current)
    own = {number for number in made if store.settings(number) == settings}
    # A checkpoint before a refresh needs the round before that.
    lasts = {iteration - back for iteration in saved for back in (0, 1)}
    needed = {0, current - 1}
    for rounds in (own, made.keys() - own):
        for last in lasts:
            earlier = [number for number in rounds if made[number] <= last]
            needed.add(max(earlier, default=0))
    for number in made.keys() - needed:
        if number < current or number not in own:
            store.remove(number)


def _saved_iterations(runner: Runner) -> set[int] | None:
    """Returns the iterations of all checkpoints in a run's folders.

    None, which is logged, if the name of one does not tell it, or if a
    folder is in an object store, which is not listed.
    """
    loop = runner.train_loop
    steps = dict(iter=1, epoch=loop.max_iters // loop.max_epochs)
    folders = {hook.out_dir for hook in _checkpoint_hooks(runner)}
    saved = set()
    for folder in {runner.work_dir, *folders} - {None}:
        if '://' in str(folder):
            runner.logger.info(
                'Pseudo-labels: all rounds stay, since the checkpoints in '
                f'{folder} are not listed, and may need any of them.'
            )
            return None
        for path in Path(folder).glob('*.pth'):
            name = re.search(r'(iter|epoch)_(\d+)$', path.stem)
            if not name:
                runner.logger.info(
                    'Pseudo-labels: all rounds stay, since the name of '
                    f'{path} has no iteration, and it may need any of them.'
                )
                return None
            saved.add(int(name[2]) * steps[name[1]])
    return saved


def _checkpoint_hooks(runner: Runner) -> list[CheckpointHook]:
    return [h for h in runner.hooks if isinstance(h, CheckpointHook)]
