"""Reading what a training left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmseg_sesam.report.run import read_run
from mmseg_sesam.report.tables import add_validation


def test_read_run_counts_repeated_steps_once(
    work_dir: Path,
) -> None:
    first = next(work_dir.glob('*/vis_data'))
    later = work_dir / '99991231_235959' / 'vis_data'
    later.mkdir(parents=True)
    config = (first / 'config.py').read_text()
    (later / 'config.py').write_text(f'{config}\nresume = True\n')
    lines = [dict(loss=9.0, step=step) for step in (5, 6, 7)]
    text = '\n'.join(map(json.dumps, lines))
    (later / 'scalars.json').write_text(text + '\n{"loss": 1')

    run = read_run(work_dir)

    assert [line['step'] for line in run.train] == [1, 2, 3, 4, 5, 6, 7]
    assert [line['loss'] for line in run.train[4:]] == [9, 9, 9]
    assert [line['step'] for line in run.val] == [3]

    (later / 'config.py').write_text(config)
    assert [line['step'] for line in read_run(work_dir).train] == [5, 6, 7]


def test_read_run_that_ended_after_its_last_logged_loss(
    work_dir: Path,
) -> None:
    path = next(work_dir.glob('*/vis_data/scalars.json'))
    lines = list(map(json.loads, path.read_text().splitlines()))
    losses = [line for line in lines if 'loss' in line][:1]
    # As the log counts them in a training by iterations.
    last = dict(lines[-1], step=6)
    path.write_text('\n'.join(map(json.dumps, (*losses, last))))

    run = read_run(work_dir)

    assert run.train[-1]['step'] == 1
    assert run.done == 6
    assert list(run.rounds) == [0, 1, 2]


def test_read_run_leaves_out_rounds_of_other_settings(
    work_dir: Path,
) -> None:
    run = read_run(work_dir)
    assert list(run.rounds) == [0, 1, 2]
    # As left by a run that continued with a new round 0.
    run.rounds[2]['identity']['settings']['format'] = 0
    path = run.store.folder(2) / 'manifest.json'
    path.write_text(json.dumps(run.rounds[2]))

    assert list(read_run(work_dir).rounds) == [0, 1]


def test_read_run_class_iou_averages_to_miou(
    work_dir: Path,
) -> None:
    run = read_run(work_dir)

    assert list(run.class_iou) == [3, 6]
    for line in run.val:
        ious = run.class_iou[line['step']]
        assert list(ious) == ['a', 'b', 'c']
        mean = np.nanmean(list(ious.values()))
        assert mean == pytest.approx(line['mIoU'], abs=0.02)
    rows = [{'class': 0, 'name': 'a'}]
    add_validation(rows, run)
    assert rows[0]['val iou'] == run.class_iou[6]['a']


def test_read_run_needs_a_training(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='give the work_dir of tools'):
        read_run(tmp_path)


def test_run_names_the_checkpoint_of_the_best_validation(
    work_dir: Path,
) -> None:
    run = read_run(work_dir)
    step = run.best['step']
    for name in ('aAcc_iter_3', 'mIoU_iter_4', 'aAcc_epoch_2'):
        (work_dir / f'best_{name}.pth').touch()
    assert run.best_checkpoint is None
    best = work_dir / f'best_mIoU_iter_{step}.pth'
    best.touch()
    assert run.best_checkpoint == best
