"""Results of all runs -> docs/accuracy.md and docs/accuracy_rows.md."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from .plots import watched_runs
from .rows import ABLATIONS, BUDGETS
from .sets import ALL_SETS, HALVES, SETS
from .setting import SUPERPIXEL
from .tables import (
    Results,
    compare,
    compare_ablations,
    compare_budgets,
    compare_rounds,
    describe_sets,
    summarise,
)

_SUPERPIXELS = (
    '`SuperpixelSegmenter` instead of SAM ([what was run](index.md#status))'
)

_SUPERPIXELS_SAID = 'superpixels in the place of SAM'

_WATCH = """
![predictions of right and of wrong pseudo-labels](images/accuracy_watch.png)

The same 16 crops of training images are predicted after every 50 steps (runs
with `--watch`). A rising dashed line is of errors that the network memorises.
"""

_MIXES = """## Mixes of labels

These rows are many, so that images and crops have half the size here, a
quarter of the pixels; all else is as above. Compare them only with
each other. Hours are at the rates named [above](#camvid). CamVid's are of two
data sets: compare dense with coarse labels, or scribbles with points.

{tables}"""

_BUDGETS = """### What some hours buy

The eight best rows on CamVid that take no more hours to label. Images that are
not named are trained on without a label, unless the row says otherwise.
`tools/annotation_cost.py --plan HOURS` rests on these numbers. Dense and
coarse labels are at the rates of Cityscapes, scribbles and points at those
of VOC, where 13 dense images would take 0.9 hours instead of 19.5.

{table}

"""

_ABLATIONS = """## What each part is worth

{table}

Differences are to SeSAM with the same seeds. Those of a point or two may be
chance.

"""


def load_results(
    folder: Path, name: str, segmenter: str, steps: int
) -> Results:
    """Reads the results of a data set's runs of one length.

    Args:
        folder: of the JSON files.
        name: of the data set, one of `ALL_SETS`.
        segmenter: of the runs.
        steps: of the runs.

    Returns:
        Results by row, in the order of their seeds.
    """
    results = defaultdict(list)
    runs = f'{name}-*-{segmenter}-s{steps}-seed*.json'
    for path in sorted(folder.glob(runs)):
        result = json.loads(path.read_text())
        results[result['row']].append(result)
    return dict(results)


def write_report(
    results: dict[str, Results], segmenter: str
) -> dict[str, str]:
    """Fills the tables into the pages.

    Args:
        results: from `load_results`, by the name of the data set.
        segmenter: of the runs.

    Returns:
        Markdown by the name of the page. Rows and data sets without results
        are left out.
    """
    camvid = results.get('camvid', {})
    whole = {name: results[name] for name in SETS if name in results}
    others = [
        f'## {SETS[name].title}\n\n{compare(name, found)}\n\n'
        for name, found in whole.items()
        if name != 'camvid'
    ]
    templates = Path(__file__).parent / 'templates'
    story = (templates / 'accuracy.md').read_text()
    rows = (templates / 'accuracy_rows.md').read_text()
    # What falls short, and why, was looked at with superpixels alone.
    short = (templates / 'accuracy_short.md').read_text()
    superpixels = segmenter == SUPERPIXEL
    return {
        'accuracy.md': story.format(
            segmenter=_SUPERPIXELS_SAID if superpixels else f'`{segmenter}`',
            short=short if superpixels else '',
            summary=summarise(whole),
            rounds=compare_rounds(whole),
            watch=_WATCH if watched_runs(camvid) else '',
        ).rstrip()
        + '\n',
        'accuracy_rows.md': rows.format(
            segmenter=_SUPERPIXELS if superpixels else f'`{segmenter}`',
            sets=describe_sets(whole),
            camvid=compare('camvid', camvid),
            others=''.join(others),
            ablations=_ablations(camvid),
            mixes=_mixes(results),
        ),
    }


def _mixes(results: dict[str, Results]) -> str:
    tables = [
        f'### {ALL_SETS[name].title}\n\n{compare(name, results[name])}\n\n'
        for name in HALVES
        if name in results
    ]
    if not tables:
        return ''
    found = results.get('half-camvid', {})
    if BUDGETS.keys() & found.keys():
        tables.append(_BUDGETS.format(table=compare_budgets(found)))
    return _MIXES.format(tables=''.join(tables))


def _ablations(results: Results) -> str:
    if not ABLATIONS.keys() & results.keys():
        return ''
    return _ABLATIONS.format(table=compare_ablations(results))
