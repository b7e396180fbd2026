"""IoU of each class over a run's validations, from its text log.

mmseg logs these numbers nowhere else: `scalars.json` has means alone. To
compute them again would take a whole validation, and the checkpoints of most
steps are gone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

# mIoU is rounded in the table and in the log: farther apart, the table is of
# another validation.
_TOLERANCE = 0.05


def read_class_tables(log: Path) -> list[dict[str, float]]:
    """Reads the tables that mmseg's `IoUMetric` writes into a log.

    Args:
        log: text file of one start of a run.

    Returns:
        Of each validation the IoU of each class in percent, NaN where a
        class does not occur.
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
            tables[-1][cells[0]] = _number(cells[column])
    return tables


def match_class_tables(
    tables: list[dict[str, float]], val: list[dict[str, float]]
) -> dict[int, dict[str, float]]:
    """Finds the table of each validation by its mIoU, in their order.

    Args:
        tables: from `read_class_tables`.
        val: what was logged of the validations of the same start.

    Returns:
        The tables by index into `val`.
    """
    found: dict[int, dict[str, float]] = {}
    start = 0
    for index, line in enumerate(val):
        wanted = line.get('mIoU', np.nan)
        for place in range(start, len(tables)):
            known = [v for v in tables[place].values() if not np.isnan(v)]
            if known and abs(np.mean(known) - wanted) <= _TOLERANCE:
                found[index] = tables[place]
                start = place + 1
                break
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float('nan')
