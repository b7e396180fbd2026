"""IoU of each class over a run's validations, read from its text log.

mmseg writes these numbers only into the log: `scalars.json` has means. A new
validation would take long, and the checkpoints of most steps are gone.
"""

from __future__ import annotations

from contextlib import suppress
from math import isnan, nan
from pathlib import Path

import numpy as np

# mIoU is rounded in the table and in the log; a larger difference means that
# the table belongs to another validation.
_TOLERANCE = 0.05


def read_class_tables(log: Path) -> list[dict[str, float]]:
    """Returns the IoU of each class in percent, for each validation in a log.

    mmseg's `IoUMetric` writes NaN for a class that does not occur.
    """
    if not log.is_file():
        return []
    tables: list[dict[str, float]] = []
    column = None
    for line in log.read_text(errors='replace').splitlines():
        if not line.startswith('|'):
            # Rulers, which begin with +, lie within a table.
            column = column if line.startswith('+') else None
            continue
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if cells[0] == 'Class' and 'IoU' in cells:
            column = cells.index('IoU')
            tables.append({})
        elif column is not None:
            with suppress(ValueError):
                tables[-1][cells[0]] = float(cells[column])
    return tables


def match_class_tables(
    tables: list[dict[str, float]], val: list[dict[str, float]]
) -> dict[int, dict[str, float]]:
    """Returns the tables by index of their validation, found by the mIoU.

    Tables and validations are in the order of the same start of a run.
    """
    found: dict[int, dict[str, float]] = {}
    start = 0
    for index, line in enumerate(val):
        wanted = line.get('mIoU', nan)
        for place in range(start, len(tables)):
            known = [v for v in tables[place].values() if not isnan(v)]
            if known and abs(np.mean(known) - wanted) <= _TOLERANCE:
                found[index] = tables[place]
                start = place + 1
                break
    return found
