"""Results of all rows -> docs/selection.md."""

from __future__ import annotations

import json
from pathlib import Path

from .images import SETS

FOLDER = Path(__file__).parent
# Set and segmenter of each row of the table, in its order.
ROWS = [(name, 'superpixel') for name in SETS] + [
    (name, 'simulated-sam-1px')
    for name in ('camvid-point', 'camvid-scribble', 'acdc-scribbles')
]
HEAD = (
    'set',
    'segmenter',
    'images',
    'labelled',
    'right',
    'IoU of round 0',
    'ceiling IoU',
    'share',
    'IoU before',
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
    before = json.loads((FOLDER / 'before.json').read_text())
    lines = [HEAD, ['---'] * len(HEAD)]
    for row in ROWS:
        earlier = before['iou'].get('/'.join(row), '')
        lines.append([*row, *_cells(results.get(row)), str(earlier)])
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    template = (FOLDER / 'template.md').read_text()
    return template.format(table=table, before=before['note'])


def _cells(result: dict | None) -> list[str]:
    """Returns images, labelled, right, IoU, ceiling and share of a row."""
    if result is None:
        return ['not run yet', '', '', '', '', '']
    made, ceiling = result['round 0'], result['ceiling']
    numbers = [made['labelled'], made['right'], made['iou'], ceiling['iou']]
    cells = [str(result['images']), *(f'{n:.1f}' for n in numbers)]
    return [*cells, f'{result["share"]:.0%}']
