"""Summary of what a training has left, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmengine.runner import Runner

from mmseg_sesam.engine.sam_pseudo_label_hook import SAMPseudoLabelHook
from mmseg_sesam.engine.work_dir import latest_checkpoint


def summarise(runner: Runner) -> str:
    """Returns lines of text about the files that a training has left."""
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
    notes = runner.message_hub.runtime_info
    for name in [n for n in notes if n.startswith('best_ckpt')]:
        path = Path(notes[name])
        if match := re.fullmatch(r'best_(.+)_(iter|epoch)_(\d+)', path.stem):
            metric, kind, step = match.groups()
            score = notes[name.replace('best_ckpt', 'best_score')]
            yield (
                f'the best checkpoint (val {metric} {score:.2f} after '
                f'{kind} {step}): {path}'
            )
