"""IoU of classes from text logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmseg_sesam.report.class_iou import (
    match_class_tables,
    read_class_tables,
)

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


def test_read_class_tables_reads_the_log(tmp_path: Path) -> None:
    log = tmp_path / 'run.log'
    log.write_text(LOG)

    first, second = read_class_tables(log)

    assert first['a'] == 40 and np.isnan(first['b car'])
    assert second == {'a': 60, 'b car': 20}
    assert read_class_tables(tmp_path / 'gone.log') == []


def test_match_class_tables_skips_other_validations(tmp_path: Path) -> None:
    log = tmp_path / 'run.log'
    log.write_text(LOG)
    tables = read_class_tables(log)

    val = [dict(step=5, mIoU=40.0), dict(step=9), dict(step=9, mIoU=99.0)]
    assert match_class_tables(tables, val) == {0: tables[0]}
    # The log lacks the first validation.
    val = [dict(step=5, mIoU=11.0), dict(step=9, mIoU=40.0)]
    assert match_class_tables(tables, val) == {1: tables[0]}
