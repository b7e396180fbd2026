"""What a training leaves, and where."""

from __future__ import annotations

from pathlib import Path

from mmengine.runner import Runner, find_latest_checkpoint

from .sam_pseudo_label_hook import SAMPseudoLabelHook


def summarise(runner: Runner) -> str:
    """Tells where a training has left everything.

    Args:
        runner: that has trained.

    Returns:
        Lines of text, for the log.
    """
    work_dir = Path(runner.work_dir)
    lines = [f'Trained for {runner.iter} iterations; {work_dir} holds']
    if (work_dir / 'last_checkpoint').is_file():
        latest = find_latest_checkpoint(str(work_dir))
        lines.append(f'  the latest checkpoint: {latest}')
    for hook in runner.hooks:
        if isinstance(hook, SAMPseudoLabelHook):
            store = hook.store
            folder = store.folder(store.current)
            lines.append(f'  the pseudo-labels of the last round: {folder}')
    pictures = Path(runner.log_dir, 'vis_data/vis_image')
    if any(pictures.glob('*')):
        lines.append(f'  pictures: {pictures}')
    lines.append(f'To look at all of it: python tools/report.py {work_dir}')
    return '\n'.join(lines)
