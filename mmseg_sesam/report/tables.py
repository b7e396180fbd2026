"""Tables of a report: rounds, classes, and the most frequent mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np

from mmseg_sesam.evaluation.boundary import boundary_iou
from mmseg_sesam.evaluation.label_quality import MEASURES, label_quality
from mmseg_sesam.report.measure import Measures
from mmseg_sesam.report.run import Run
from mmseg_sesam.structures import DENSE, LABEL_KINDS, NO_LABEL

# Rows of the list of mistakes.
_MISTAKES = 8


def tabulate_rounds(run: Run, measures: Measures) -> list[dict[str, Any]]:
    """Returns a row for each round, with shares in percent.

    Counts are of all images but those of kind 'dense', which have no
    pseudo-label; 'labelled of weak' leaves out those of kind 'none', too, for
    which nothing is selected. With dense labels the row has the quality over
    the sample, and 'right of weak', the precision without kind 'none'.
    """
    rows = []
    for index, manifest in run.rounds.items():
        row = {'round': index, **_shares(_counts_without(manifest, DENSE))}
        weak = _counts_without(manifest, DENSE, NO_LABEL)
        row['labelled of weak'] = _shares(weak)['labelled']
        confusion = measures.rounds[index].confusion
        if confusion.any():
            quality = label_quality(confusion)
            row.update({name: 100 * quality[name] for name in MEASURES})
            boundary = boundary_iou(measures.rounds[index].boundary)
            row['boundary iou'] = 100 * boundary['iou']
            row['right of weak'] = _percent(*measures.rounds[index].of_weak)
        rows.append(row)
    return rows


def tabulate_kinds(run: Run) -> list[dict[str, Any]]:
    """Returns a row for each kind of label, over all images.

    Rows have 'kind', the counts and shares of the last round, and 'first',
    the pixels in percent that the first round labels. No rows where no kind
    is known.
    """
    if not run.rounds:
        return []
    first, last = (
        run.rounds[number].get('kinds', {})
        for number in (min(run.rounds), max(run.rounds))
    )
    if not set(last) & set(LABEL_KINDS):
        return []
    rows = []
    for kind, counts in last.items():
        before = first.get(kind, {}).get('labelled_pixels', nan)
        share = _percent(before, counts['pixels'])
        rows.append({'kind': kind, **_shares(counts), 'first': share})
    return rows


def tabulate_classes(
    measures: Measures, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns a row for each class, over the sample, with shares in percent.

    Rows have 'class' (its id), 'name' and 'weak'; with pseudo-labels 'given',
    'components' and 'fell back' of the last round; with dense labels its
    quality and 'gain', the IoU since the first round. A share of nothing is
    NaN.
    """
    rows = []
    pixels = measures.pixels
    for index, name in enumerate(classes):
        weak = _percent(measures.weak[index], pixels)
        rows.append({'class': index, 'name': name, 'weak': weak})
    if not measures.rounds:
        return rows
    first = measures.rounds[min(measures.rounds)]
    last = measures.rounds[max(measures.rounds)]
    for row in rows:
        index = row['class']
        count = int(last.components[index])
        row['given'] = _percent(last.given[index], pixels)
        row['components'] = count
        row['fell back'] = _percent(last.fell_back[index], count)
    if last.confusion.any():
        before = label_quality(first.confusion)['classes']['iou']
        quality = label_quality(last.confusion)['classes']
        boundary = boundary_iou(last.boundary)['classes']
        for row in rows:
            index = row['class']
            for name in MEASURES:
                row[name] = float(100 * quality[name][index])
            row['boundary iou'] = 100 * boundary[index]
            if first is not last:
                row['gain'] = row['iou'] - float(100 * before[index])
    return rows


def add_validation(rows: list[dict[str, Any]], run: Run) -> None:
    """Adds the IoU of the last and of the best validation to rows of classes.

    Nothing is added where the log has no IoU by class.
    """
    columns = {}
    if run.class_iou:
        last = max(run.class_iou)
        columns['val iou'] = run.class_iou[last]
        best = None if run.best is None else run.best['step']
        if best != last and best in run.class_iou:
            columns['best val iou'] = run.class_iou[best]
    for row in rows:
        for name, ious in columns.items():
            row[name] = ious.get(row['name'], nan)


def list_mistakes(
    confusion: np.ndarray, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns the mistakes that cost most pixels, most first.

    Rows have 'truth', 'label' and 'share' in percent of the labelled pixels
    of the true class. `confusion` has (C, C + 1) counts.
    """
    square = confusion[:, :-1].copy()
    np.fill_diagonal(square, 0)
    rows = []
    for flat in square.ravel().argsort()[::-1][:_MISTAKES]:
        true, given = np.unravel_index(flat, square.shape)
        if not square[true, given]:
            break
        labelled = confusion[true, :-1].sum()
        share = _percent(square[true, given], labelled)
        rows.append(dict(truth=int(true), label=int(given), share=share))
    return rows


def _counts_without(manifest: dict[str, Any], *kinds: str) -> dict[str, int]:
    """Returns the counts of a round over images of all but some kinds."""
    counts = dict(manifest['summary'])
    for kind in kinds:
        for name, count in manifest.get('kinds', {}).get(kind, {}).items():
            counts[name] -= count
    return counts


def _shares(counts: dict[str, int]) -> dict[str, float]:
    """Returns counts of images and components, and shares in percent.

    'weak' are the pixels that people labelled, 'labelled' those that a round
    labels.
    """
    pixels, components = counts['pixels'], counts['components']
    return {
        'images': counts['images'],
        'components': components,
        'fell back': _percent(counts['fell_back'], components),
        'weak': _percent(counts['weak_pixels'], pixels),
        'labelled': _percent(counts['labelled_pixels'], pixels),
    }


def _percent(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole else nan
