"""Results of all rows -> docs/selection.md."""

from __future__ import annotations

import json
from pathlib import Path

from .images import SETS
from .measure import SIGMAS

FOLDER = Path(__file__).parent
# Set and segmenter of each row of the table, in its order.
ROWS = [
    (name, segmenter) for segmenter in ('superpixel', *SIGMAS) for name in SETS
]
HEAD = (
    'set',
    'segmenter',
    'images',
    'labelled',
    'right',
    'right, ceiling',
    'IoU',
    'IoU, ceiling',
    'share',
)


def load_results(folder: Path) -> dict[tuple[str, str], dict]:
    """Reads the results of the table's rows that there are.

    Args:
        folder: folder of the results, from `measure`.

    Returns:
        Results by set and segmenter.
    """
    return {
        row: json.loads(path.read_text())
        for row in ROWS
        if (path := folder / f'{"-".join(row)}.json').exists()
    }


def write_report(results: dict[tuple[str, str], dict]) -> str:
    """Fills the table into the page.

    Args:
        results: from `load_results`.

    Returns:
        Markdown.
    """
    lines = [HEAD, ['---'] * len(HEAD)]
    lines += [[*row, *_cells(results.get(row))] for row in ROWS]
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    template = (FOLDER / 'template.md').read_text()
    return template.format(table=table)


def _cells(result: dict | None) -> list[str]:
    """Returns the cells of a row after the segmenter."""
    if result is None:
        return ['not run yet', *[''] * (len(HEAD) - 3)]
    made, ceiling = result['round 0'], result['ceiling']
    numbers = made['labelled'], made['right'], ceiling['right']
    numbers += made['iou'], ceiling['iou']
    cells = [str(result['images']), *(f'{n:.1f}' for n in numbers)]
    return [*cells, f'{result["share"]:.1%}']
