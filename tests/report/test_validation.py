"""What a report tells of a run's validations."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from mmseg_sesam.report import build_report
from mmseg_sesam.report.class_iou import (
    match_class_tables,
    read_class_tables,
)
from mmseg_sesam.report.run import read_run
from mmseg_sesam.report.tables import add_validation

LOG = """\
2026/01/01 - mmengine - INFO - Iter(train) [1/2]
+-------+----------+
| class | coverage |
+-------+----------+
| a     |   10.0   |
+-------+----------+
2026/01/01 - mmengine - INFO -
+---------+-------+-------+
|  Class  |  IoU  |  Acc  |
+---------+-------+-------+
|    a    | 40.00 | 50.00 |
| b car   |  nan  |  nan  |
+---------+-------+-------+
2026/01/01 - mmengine - INFO - Iter(val) [1/1]  mIoU: 40.0000
2026/01/01 - mmengine - INFO -
+---------+-------+-------+
|  Class  |  IoU  |  Acc  |
+---------+-------+-------+
|    a    | 60.00 | 50.00 |
| b car   | 20.00 | 50.00 |
+---------+-------+-------+
"""


def embedded(page: Path, name: str) -> Any:
    pattern = f'id="{name}">(.*?)</script>'
    return json.loads(re.search(pattern, page.read_text(), re.DOTALL)[1])


def words(page: Path) -> str:
    """The text of the page with single spaces."""
    return ' '.join(page.read_text().split())


def drop_validations(work_dir: Path) -> None:
    for path in work_dir.glob('*/vis_data/scalars.json'):
        lines = path.read_text().splitlines()
        path.write_text('\n'.join(x for x in lines if 'mIoU' not in x))


def test_tables_of_classes_are_read_from_the_log(tmp_path: Path) -> None:
    log = tmp_path / 'run.log'
    log.write_text(LOG)

    first, second = read_class_tables(log)

    assert first['a'] == 40 and np.isnan(first['b car'])
    assert second == {'a': 60, 'b car': 20}
    assert read_class_tables(tmp_path / 'gone.log') == []


def test_a_table_of_another_validation_is_not_taken(tmp_path: Path) -> None:
    log = tmp_path / 'run.log'
    log.write_text(LOG)
    tables = read_class_tables(log)

    val = [dict(step=5, mIoU=40.0), dict(step=9), dict(step=9, mIoU=99.0)]
    assert match_class_tables(tables, val) == {0: tables[0]}
    # The log lacks the first validation.
    val = [dict(step=5, mIoU=11.0), dict(step=9, mIoU=40.0)]
    assert match_class_tables(tables, val) == {1: tables[0]}


def test_iou_of_classes_averages_to_that_of_the_validation(
    work_dir: Path,
) -> None:
    run = read_run(work_dir)

    assert list(run.class_iou) == [3, 6]
    for line in run.val:
        ious = run.class_iou[line['step']]
        assert list(ious) == ['a', 'b', 'c']
        mean = np.nanmean(list(ious.values()))
        assert mean == pytest.approx(line['mIoU'], abs=0.02)
    rows = add_validation([{'class': 0, 'name': 'a'}], run)
    assert rows[0]['val iou'] == run.class_iou[6]['a']


def test_the_page_shows_validation_images_and_the_best_step(
    work_dir: Path, tmp_path: Path
) -> None:
    page = tmp_path / 'report.html'
    (work_dir / 'best_mIoU_iter_3.pth').touch()

    build_report(work_dir, page)

    gallery = embedded(page, 'gallery-data')
    worst = [
        gallery['images'][index]
        for index in gallery['groups']['validation, worst']
    ]
    assert len(worst) == 3
    scores = [image['score'] for image in worst]
    assert scores == sorted(scores)
    for image in worst:
        names = [layer['name'] for layer in image['layers']]
        assert names == ['prediction', 'truth']
        assert image['measure'] == 'IoU' and not image['records']
    plots = embedded(page, 'plot-data')
    run = read_run(work_dir)
    best = run.best['step']
    assert run.best['mIoU'] == max(line['mIoU'] for line in run.val)
    layout = plots['curves'][0]['figure']['layout']
    marks = {a['text'] for a in layout['annotations']}
    assert any(mark.startswith('best') for mark in marks)
    drawn = plots['class_iou']['data'][0]
    assert drawn['y'] == ['a', 'b', 'c']
    assert f'<b>{best} best</b>' in drawn['x']
    assert 'Its checkpoint is best_mIoU_iter_3.pth.' in words(page)


@pytest.mark.parametrize(
    'line, said',
    [
        (
            'val_dataloader = test_dataloader = None',
            'was not validated: its config has no val_dataloader.',
        ),
        ('', 'no validation up to iteration 6, and validations are due'),
    ],
)
def test_a_run_without_a_validation_says_so(
    work_dir: Path,
    amend: Callable[[str], None],
    tmp_path: Path,
    line: str,
    said: str,
) -> None:
    drop_validations(work_dir)
    amend(line)
    page = tmp_path / 'report.html'

    build_report(work_dir, page)

    assert said in words(page)
    assert 'not validated' in words(page)
    gallery = embedded(page, 'gallery-data')
    names = {x['name'] for image in gallery['images'] for x in image['layers']}
    assert 'prediction' in names
    assert ('validation, worst' in gallery['groups']) == (not line)


def test_validation_images_that_are_gone_are_reported(
    work_dir: Path, amend: Callable[[str], None], tmp_path: Path
) -> None:
    amend("val_dataloader['dataset']['data_root'] = '/nowhere'")
    page = tmp_path / 'report.html'

    build_report(work_dir, page)

    assert 'they are not where the config says' in words(page)
