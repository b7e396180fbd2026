"""Checkpoints of a running training."""

from __future__ import annotations

import re
from pathlib import Path

from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner


def save_checkpoint_now(runner: Runner) -> None:
    """Saves a checkpoint unless one was just saved on schedule.

    Only a `CheckpointHook` that saves by iterations does so; the checkpoint
    counts towards its `max_keep_ckpts`.

    Args:
        runner: after a step.
    """
    for hook in runner.hooks:
        if not isinstance(hook, CheckpointHook) or hook.by_epoch:
            continue
        name = hook.filename_tmpl.format(runner.iter + 1)
        if hook.interval > 0 and Path(hook.last_ckpt or '').name != name:
            hook._save_checkpoint(runner)


def checkpoints_of(runner: Runner) -> dict[Path, int | None]:
    """Returns the checkpoints of a training.

    Args:
        runner: of the training.

    Returns:
        By path the iterations that are done, None if the name has no number.
    """
    folders = {runner.work_dir}
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and hook.out_dir:
            folders.add(hook.out_dir)
    loop = runner.train_loop
    steps = dict(iter=1, epoch=loop.max_iters // loop.max_epochs)
    found: dict[Path, int | None] = {}
    for path in (p for folder in folders for p in Path(folder).glob('*.pth')):
        name = re.search(r'(iter|epoch)_(\d+)$', path.stem)
        found[path] = name and int(name[2]) * steps[name[1]]
    return found
