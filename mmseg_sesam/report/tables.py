"""Tables of a report: rounds, classes, and the most frequent mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmseg_sesam.evaluation.label_quality import label_quality
from mmseg_sesam.report.measure import Measures
from mmseg_sesam.report.run import Run

_QUALITY = ('coverage', 'precision', 'recall', 'iou')
# Rows of the list of mistakes.
_MISTAKES = 8


def tabulate_rounds(run: Run, measures: Measures) -> list[dict[str, Any]]:
    """Returns a row for each round.

    Args:
        run: the run; its manifests count all images.
        measures: measures of the sample, from which the quality comes.

    Returns:
        Rows with 'round', 'images', 'components', 'fell back', 'weak' and
        'labelled' over all images, and with dense labels the quality over
        the sample; shares in percent.
    """
    rows = []
    for index, manifest in run.rounds.items():
        summary = manifest['summary']
        row = {
            'round': index,
            'images': summary['images'],
            'components': summary['components'],
            'fell back': _percent(summary['fell_back'], summary['components']),
            'weak': _percent(summary['weak_pixels'], summary['pixels']),
            'labelled': _percent(
                summary['labelled_pixels'], summary['pixels']
            ),
        }
        confusion = measures.rounds[index].confusion
        if confusion.any():
            quality = label_quality(confusion)
            row.update({name: 100 * quality[name] for name in _QUALITY})
        rows.append(row)
    return rows


def tabulate_classes(
    measures: Measures, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns a row for each class, over the sample.

    Args:
        measures: measures of the sample.
        classes: C names.

    Returns:
        Rows with 'class' (its id), 'name', 'weak' (share of pixels), and
        with pseudo-labels 'given', 'components' and 'fell back' of the last
        round; with dense labels its quality and 'gain', the IoU since the
        first round. Shares in percent, None for a share of nothing.
    """
    rows = []
    for index, name in enumerate(classes):
        weak = _percent(measures.weak[index], measures.pixels)
        rows.append({'class': index, 'name': name, 'weak': weak})
    if not measures.rounds:
        return rows
    first = measures.rounds[min(measures.rounds)]
    last = measures.rounds[max(measures.rounds)]
    for row in rows:
        index = row['class']
        count = int(last.components[index])
        row['given'] = _percent(last.given[index], last.pixels)
        row['components'] = count
        row['fell back'] = _percent(last.fell_back[index], count)
    if last.confusion.any():
        before = label_quality(first.confusion)['classes']['iou']
        quality = label_quality(last.confusion)['classes']
        for row in rows:
            index = row['class']
            for name in _QUALITY:
                row[name] = _known(100 * quality[name][index])
            if first is not last:
                gain = quality['iou'][index] - before[index]
                row['gain'] = _known(100 * gain)
    return rows


def add_validation(
    rows: list[dict[str, Any]], run: Run
) -> list[dict[str, Any]]:
    """Adds the IoU of validation to the rows of classes.

    Args:
        rows: from `tabulate_classes`.
        run: the run; nothing is added if its log has no IoU by class.

    Returns:
        The rows with 'val iou' of the last validation and, if the best
        validation is another, 'best val iou'; in percent.
    """
    columns = {}
    if run.class_iou:
        last = max(run.class_iou)
        columns['val iou'] = run.class_iou[last]
        best = None if run.best is None else run.best['step']
        if best != last and best in run.class_iou:
            columns['best val iou'] = run.class_iou[best]
    nothing = float('nan')
    return [
        {
            **row,
            **{
                name: _known(ious.get(row['name'], nothing))
                for name, ious in columns.items()
            },
        }
        for row in rows
    ]


def list_mistakes(
    confusion: np.ndarray, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Lists the mistakes that cost most pixels.

    Args:
        confusion: (C, C + 1) counts.
        classes: C names.

    Returns:
        Rows with 'truth', 'label' and 'share' in percent of the labelled
        pixels of the true class, largest number of pixels first.
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


def _percent(part: float, whole: float) -> float | None:
    return float(100 * part / whole) if whole else None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
