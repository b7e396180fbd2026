"""Summary of what a training has left, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmengine.runner import Runner

from mmseg_sesam.engine.sam_pseudo_label_hook import SAMPseudoLabelHook
from mmseg_sesam.engine.work_dir import latest_checkpoint


def summarise(runner: Runner) -> str:
    """Returns lines of text about the files that a training has left.

    Args:
        runner: after training.
    """
    work_dir = Path(runner.work_dir)
    lines = [f'Trained for {runner.iter} iterations; {work_dir} holds']
    latest = latest_checkpoint(work_dir)
    if latest is not None:
        lines.append(f'  the latest checkpoint: {latest}')
    lines += [f'  {line}' for line in _best_checkpoints(runner)]
    for hook in runner.hooks:
        if isinstance(hook, SAMPseudoLabelHook) and hook.enabled:
            store = hook.store
            folder = store.folder(store.current)
            lines.append(f'  the pseudo-labels of the last round: {folder}')
    pictures = Path(runner.log_dir, 'vis_data/vis_image')
    if any(pictures.glob('*')):
        lines.append(f'  pictures: {pictures}')
    lines.append(f'  the log: {runner.log_dir}')
    lines.append(f'To look at all of it: python tools/report.py {work_dir}')
    return '\n'.join(lines)


def _best_checkpoints(runner: Runner) -> Iterator[str]:
    """Yields a line for each best checkpoint of CheckpointHook."""
    hub = runner.message_hub
    for name in hub.runtime_info:
        if not name.startswith('best_ckpt'):
            continue
        path = Path(hub.get_info(name))
        score = hub.get_info(name.replace('best_ckpt', 'best_score'))
        if match := re.fullmatch(r'best_(.+)_(iter|epoch)_(\d+)', path.stem):
            metric, kind, step = match.groups()
            yield (
                f'the best checkpoint (val {metric} {score:.2f} after '
                f'{kind} {step}): {path}'
            )
