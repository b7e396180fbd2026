"""Results of all rounds -> tables in Markdown."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from benchmarks.accuracy.tables import spread

from .loop import STRATEGIES

# Minutes and mIoU of the seeds by strategy and round.
Results = dict[tuple[str, int], list[tuple[float, float]]]


def load_results(folder: Path) -> dict[tuple[str, int], Results]:
    """Returns the results of each data set and number of steps.

    Args:
        folder: of the JSON files.
    """
    found = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob('*.json')):
        result = json.loads(path.read_text())
        runs = found[result['set'], result['steps']]
        score = result['minutes'], result['val'][-1]['miou']
        first = result['strategy'] == 'first'
        for strategy in STRATEGIES if first else [result['strategy']]:
            runs[strategy, result['round']].append(score)
    return dict(found)


def write_table(results: Results) -> str:
    """Returns mIoU by minutes of labelling, as suggested and at random."""
    lines = ['| minutes | random | suggested |', '|---|---|---|']
    for index in sorted({index for _, index in results}):
        cells = [
            spread([miou for _, miou in results.get((strategy, index), [])])
            for strategy in ('random', 'suggest')
        ]
        minutes = next(
            runs[0][0] for (_, i), runs in results.items() if i == index
        )
        lines.append(f'| {minutes:.0f} | {" | ".join(cells)} |')
    return '\n'.join(lines)
