"""A finished run -> its result, as JSON values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmseg_sesam.evaluation.folders import compare_folders
from mmseg_sesam.report.run import read_scalars
from mmseg_sesam.store.store import LABELS, PseudoLabelStore

from .setting import NUM_CLASSES


def score_run(work_dir: Path, data: Path) -> dict[str, Any]:
    """Collects a run's val mIoU and the quality of its pseudo-labels.

    Args:
        work_dir: of the run.
        data: folder that holds `camvid`.

    Returns:
        'val', a list of step and mIoU in percent; 'rounds', for each the
        coverage, precision, recall and IoU of the training images'
        pseudo-labels in percent; and 'seconds_per_step', the median.
    """
    dense = data / 'camvid' / 'annotations' / 'train'
    return dict(
        val=_validations(work_dir),
        rounds=_rounds(work_dir / 'pseudo_labels', dense),
        seconds_per_step=_seconds_per_step(work_dir),
    )


def _scalars(work_dir: Path) -> list[dict]:
    """Log lines of all parts of a run that was interrupted, by step."""
    lines = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for record in read_scalars(path.parent):
            # A resumed part goes over some steps again.
            lines[record['step'], 'mIoU' in record] = record
    return [lines[key] for key in sorted(lines)]


def _validations(work_dir: Path) -> list[dict]:
    return [
        dict(step=record['step'], miou=round(record['mIoU'], 2))
        for record in _scalars(work_dir)
        if 'mIoU' in record
    ]


def _seconds_per_step(work_dir: Path) -> float:
    times = [r['time'] for r in _scalars(work_dir) if 'loss' in r]
    return round(sorted(times)[len(times) // 2], 3)


def _rounds(folder: Path, dense: Path) -> list[dict]:
    if not folder.exists():
        return []
    store = PseudoLabelStore(folder)
    rounds = []
    for index in range(store.current + 1):
        result = compare_folders(
            store.folder(index) / LABELS, dense, NUM_CLASSES
        )
        quality = result['quality']['pseudo-labels']
        names = ('coverage', 'precision', 'recall', 'iou')
        rounds.append({n: round(100 * quality[n], 2) for n in names})
    return rounds
