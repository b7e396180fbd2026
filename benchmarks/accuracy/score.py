"""A finished run -> its result, as JSON values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_sesam.evaluation.folders import compare_folders
from mmseg_sesam.report.run import read_scalars
from mmseg_sesam.store.store import LABELS, STORE_NAME, PseudoLabelStore

from .sets import DataSet
from .watch import FILE as WATCH_FILE


def score_run(data_set: DataSet, work_dir: Path, data: Path) -> dict[str, Any]:
    """Collects a run's val mIoU and the quality of its pseudo-labels.

    Args:
        data_set: that it was trained on.
        work_dir: of the run.
        data: folder of the data.

    Returns:
        'val', a list of step, mIoU, IoU of the classes in it and of rare
        ones, and Dice if the set has it, in percent; 'rounds', for each the
        coverage (labelled), precision (right), recall and IoU of the training
        images' pseudo-labels in percent; 'watch', the records of `WatchHook`;
        and 'seconds_per_step', the median.
    """
    return dict(
        val=_validations(work_dir),
        rounds=_rounds(work_dir, data / data_set.dense),
        watch=_watch(work_dir),
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
    validations = []
    for record in _scalars(work_dir):
        if 'mIoU' not in record:
            continue
        found = dict(step=record['step'], miou=round(record['mIoU'], 2))
        if 'mDice' in record:
            found['dice'] = round(record['mDice'], 2)
        for start in ('IoU.', 'rare_IoU.'):
            found[start.lower().rstrip('.')] = {
                name.removeprefix(start): round(value, 2)
                for name, value in record.items()
                if name.startswith(start)
            }
        validations.append(found)
    return validations


def _watch(work_dir: Path) -> list[dict]:
    path = work_dir / WATCH_FILE
    return json.loads(path.read_text()) if path.exists() else []


def _seconds_per_step(work_dir: Path) -> float:
    times = [r['time'] for r in _scalars(work_dir) if 'loss' in r]
    return round(sorted(times)[len(times) // 2], 3)


def _rounds(work_dir: Path, dense: Path) -> list[dict]:
    folder = work_dir / STORE_NAME
    if not folder.exists():
        return []
    store = PseudoLabelStore(folder)
    cfg = Config.fromfile(work_dir / 'row.py')
    rounds = []
    for index in range(store.current + 1):
        result = compare_folders(
            store.folder(index) / LABELS,
            dense,
            cfg.model.decode_head.num_classes,
        )
        quality = result['quality']
        names = ('coverage', 'precision', 'recall', 'iou')
        rounds.append({n: round(100 * quality[n], 2) for n in names})
    return rounds
