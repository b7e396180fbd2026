"""What a work dir holds for a training that continues in it."""

from __future__ import annotations

import re
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_sesam.datasets.pipeline_configs import find_transforms
from mmseg_sesam.store.store import PseudoLabelStore


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Returns the checkpoint from which a training continues.

    mmengine writes its absolute path into `last_checkpoint`. In a work dir
    that was moved or copied that path is of another place, so a file of this
    name in the work dir comes first. A training that was killed while it
    wrote `last_checkpoint` leaves it empty; then the latest one counts.

    Args:
        work_dir: folder of a training.

    Returns:
        Its path, which may not exist if `last_checkpoint` names a file that
        was removed; None if there is no checkpoint.
    """
    work_dir = Path(work_dir)
    note = work_dir / 'last_checkpoint'
    named = note.read_text().strip() if note.is_file() else ''
    if named:
        own = work_dir / Path(named).name
        return own if own.is_file() else Path(named)
    numbers = {
        int(match[1]): path
        for path in work_dir.glob('*.pth')
        if (match := re.fullmatch(r'(?:iter|epoch)_(\d+)', path.stem))
    }
    return numbers[max(numbers)] if numbers else None


def find_moved_store(cfg: Config) -> None:
    """Sets pseudo_label_dir to a store that was moved with its work dir.

    The config of a resumed run still names the folder where the run began.

    Args:
        cfg: of the run, with its work_dir; changed in place.
    """
    for source in find_transforms(
        cfg.train_dataloader.dataset, 'LoadPseudoLabel'
    ).values():
        if 'pseudo_label_dir' not in source:
            # The check of the config says so.
            continue
        folder = Path(source['pseudo_label_dir'])
        moved = Path(cfg.work_dir, folder.name)
        if (
            PseudoLabelStore(moved).rounds()
            and not PseudoLabelStore(folder).rounds()
        ):
            print_log(
                f'{folder} holds no pseudo-labels, and {moved} does: the work '
                'dir was moved, and the run continues with those.',
                logger='current',
            )
            source['pseudo_label_dir'] = str(moved)
