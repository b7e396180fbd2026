"""Results of all rounds -> tables in Markdown."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from benchmarks.accuracy.tables import spread

from .loop import STRATEGIES

# Minutes and mIoU by round, strategy and seed.
Results = dict[int, dict[str, dict[int, tuple[float, float]]]]


def load_results(folder: Path) -> dict[tuple[str, int], Results]:
    """Returns the results of each data set and number of steps.

    Args:
        folder: of the JSON files.
    """
    found = defaultdict(
        lambda: defaultdict(lambda: {name: {} for name in STRATEGIES})
    )
    for path in sorted(folder.glob('*.json')):
        result = json.loads(path.read_text())
        runs = found[result['set'], result['steps']][result['round']]
        score = result['minutes'], result['val'][-1]['miou']
        first = result['strategy'] == 'first'
        for strategy in STRATEGIES if first else [result['strategy']]:
            runs[strategy][result['seed']] = score
    return dict(found)


def write_table(results: Results) -> str:
    """Returns mIoU by minutes of labelling, of the seeds that both have."""
    lines = ['| minutes | random | suggested |', '|---|---|---|']
    for _, runs in sorted(results.items()):
        both = sorted(runs['random'].keys() & runs['suggest'].keys())
        if not both:
            continue
        cells = [
            spread([runs[strategy][seed][1] for seed in both])
            for strategy in ('random', 'suggest')
        ]
        minutes, _ = runs['random'][both[0]]
        lines.append(f'| {minutes:.0f} | {" | ".join(cells)} |')
    return '\n'.join(lines)
