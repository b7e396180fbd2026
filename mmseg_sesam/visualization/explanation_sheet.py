"""The picture that explains the pseudo-label of one image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from mmseg_sesam.core.selection import Verdict
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.pseudo_labels.generator import PseudoLabel
from mmseg_sesam.pseudo_labels.records import ComponentRecord
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.visualization.explanation import Explanation, largest_first
from mmseg_sesam.visualization.sheet import (
    paint_label,
    paint_labels,
    reduced_size,
    resize_label,
)

_COLOURS = {
    Verdict.TAKEN: '#2a8a4a',
    Verdict.COVERAGE: '#3aa6a6',
    Verdict.CONFLICT: '#c8323c',
    Verdict.RELIABILITY: '#c87137',
    Verdict.SCORE: '#8a5ab5',
    Verdict.GAIN: '#4a7fb0',
}
# Masks drawn of each component; the scatter plot has all candidates.
_MASKS = 5
_WIDTH = 15.0
_DPI = 90
# Inches: the head's titles, the heading and the pictures of a row, the foot.
_TITLES, _HEADING, _PICTURES, _FOOT = 0.6, 0.3, 2.7, 0.8
# Pixels of a picture's longer side, about twice those of the sheet. Larger
# photos are reduced first, because painting takes most of the time.
_HEAD_SIDE, _MASK_SIDE = 900, 400
# Components that are numbered in the head; more numbers hide the image.
_NUMBERED = 20


def save_explanation(
    path: Path,
    image: np.ndarray,
    weak: np.ndarray,
    made: PseudoLabel,
    explanations: Sequence[Explanation],
    palette: Sequence[Sequence[int]],
    classes: Sequence[str],
) -> None:
    """Draws an image, its pseudo-label, and a row for each explanation.

    Args:
        path: PNG of the picture; an existing file is replaced as a whole.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 class ids.
        made: the pseudo-label.
        explanations: one for each component that gets a row, in the order of
            `explain`; the sheet names the other components.
        palette: RGB of each class.
        classes: name of each class.
    """
    height, width = image.shape[:2]
    head = _WIDTH / 3 * min(height / width, 1) + _TITLES
    heights = [head, *[_HEADING, _PICTURES] * len(explanations), _FOOT]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout='constrained')
    parts = figure.subfigures(len(heights), 1, height_ratios=heights)
    _draw_head(parts[0], image, weak, made, palette)
    rows = zip(parts[1::2], parts[2::2], explanations)
    rows = Progress(rows, desc='drawing', total=len(explanations), delay=2)
    for number, (heading, part, explanation) in enumerate(rows, 1):
        name = f'{number}  class {classes[explanation.record.class_id]}'
        text = _summarise(name, explanation)
        heading.text(0.01, 0.1, text, fontsize=11, va='bottom', weight='bold')
        _draw_row(part, image, explanation, palette)
    omitted = describe_omitted(made.records, len(explanations), classes)
    _draw_foot(parts[-1], omitted)
    with replacing(path) as part:
        figure.savefig(part, format='png', dpi=_DPI)


def describe_omitted(
    records: Sequence[ComponentRecord], number: int, classes: Sequence[str]
) -> str:
    """Returns a sentence on the components without a row; '' if all have one.

    The `number` largest components have a row.
    """
    omitted = [records[index] for index in largest_first(records)[number:]]
    if not omitted:
        return ''
    counts = Counter(classes[record.class_id] for record in omitted)
    named = ', '.join(
        f'{count} of class {name}' for name, count in counts.most_common()
    )
    return (
        f'Not drawn: {len(omitted)} of {len(records)} components, numbers '
        f'{number + 1} to {len(records)} by size, each of at most '
        f'{omitted[0].area} labelled pixels: {named}. --components draws more.'
    )


def _draw_head(
    part: SubFigure,
    image: np.ndarray,
    weak: np.ndarray,
    made: PseudoLabel,
    palette: Sequence[Sequence[int]],
) -> None:
    """Draws image, components with their points, and pseudo-label."""
    height, width = weak.shape
    labelled = np.mean(made.label != UNLABELLED)
    labels = {
        f'weak label: {len(made.records)} components': weak,
        f'pseudo-label: {labelled:.0%} of pixels': made.label,
    }
    pictures = paint_labels(image, labels, palette, _HEAD_SIDE)
    axes = part.subplots(1, 3)
    for axis, (title, picture) in zip(axes, pictures.items()):
        axis.imshow(picture, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
        axis.set_title(title, fontsize=11)
        axis.set_axis_off()
    order = largest_first(made.records)[:_NUMBERED]
    for number, index in enumerate(order, 1):
        record = made.records[index]
        _draw_points(axes[1], record.points)
        axes[1].text(
            x=record.bbox[1],
            y=record.bbox[0],
            s=number,
            fontsize=9,
            color='white',
            va='top',
            clip_on=True,
            bbox=dict(facecolor='black', edgecolor='none', pad=1.5),
        )


def _draw_foot(part: SubFigure, omitted: str) -> None:
    """Draws the legend of verdicts, and the sentence on other components."""
    dots = [
        Line2D([], [], ls='', marker='o', color=colour, label=verdict.value)
        for verdict, colour in _COLOURS.items()
    ]
    part.legend(handles=dots, loc='upper center', ncols=10, frameon=False)
    text = '\n'.join(wrap(omitted, 190, max_lines=2))
    part.text(0.01, 0.05, text, fontsize=10)


def _summarise(name: str, explanation: Explanation) -> str:
    record, total = explanation.record, len(explanation.selection.verdicts)
    outcome = f'{len(record.chosen)} of {total} candidates taken'
    if record.fell_back:
        outcome = f'none of {total} candidates taken, weak pixels alone'
    return (
        f'{name}:  {outcome};  coverage {record.coverage:.2f}, '
        f'conflict {record.conflict:.2f}, '
        f'reliability {record.reliability:.2f}, '
        f'score {record.predicted_iou:.2f}'
    )


def _draw_row(
    part: SubFigure,
    image: np.ndarray,
    explanation: Explanation,
    palette: Sequence[Sequence[int]],
) -> None:
    """Draws the candidates as points, the mask taken, and some candidates."""
    candidates, selection = explanation.candidates, explanation.selection
    widths = [1.25] + [1] * (1 + _MASKS)
    axes = part.subplots(1, 2 + _MASKS, width_ratios=widths)
    _draw_candidates(axes[0], explanation)
    window = _window(explanation, image.shape[:2])
    crop = image[window]
    colour = palette[explanation.record.class_id]
    union = explanation.draw(selection.chosen)[window]
    _draw_mask(axes[1], crop, union, colour, explanation, window)
    axes[1].set_title('mask of the component', fontsize=8)
    numbers = _best_of_each(explanation)
    for axis, number in zip(axes[2:], numbers):
        mask = explanation.draw([number])[window]
        _draw_mask(axis, crop, mask, colour, explanation, window)
        verdict = selection.verdicts[number]
        title = verdict.value
        if number in selection.chosen:
            title += f' {selection.chosen.index(number) + 1}'
        coverage, conflict, reliability = explanation.measures_of(number)
        axis.set_title(
            f'{title}\ncoverage {coverage:.2f}, conflict {conflict:.2f}\n'
            f'reliability {reliability:.2f}, '
            f'score {candidates.scores[number]:.2f}',
            fontsize=8,
            color=_COLOURS[verdict],
        )
    for axis in axes[2 + len(numbers) :]:
        axis.set_axis_off()


def _best_of_each(explanation: Explanation) -> list[int]:
    """Returns the candidates to draw: some of each verdict, taken ones first.

    Points on one region get the same mask, which is drawn once.
    """
    turns: Counter[Verdict] = Counter()
    order, seen = [], set()
    for place, number in enumerate(explanation.order):
        verdict = explanation.selection.verdicts[number]
        area = explanation.candidates.areas[number]
        measures = (*explanation.measures_of(number), area)
        taken = verdict is Verdict.TAKEN
        if measures in seen and not taken:
            continue
        seen.add(measures)
        # Three that were taken, then one of each verdict, and so on.
        turn = turns[verdict] // 3 if taken else turns[verdict]
        turns[verdict] += 1
        order.append((turn, place, number))
    return [number for *_, number in sorted(order)[:_MASKS]]


def _draw_candidates(axis: Axes, explanation: Explanation) -> None:
    """Draws coverage and conflict of every candidate, sized by the score."""
    # Reversed, so that those taken lie on top.
    numbers = explanation.order[::-1]
    coverage = explanation.candidates.coverage
    conflict = explanation.selection.conflict
    scores = explanation.candidates.scores[numbers]
    verdicts = explanation.selection.verdicts
    axis.scatter(
        coverage[numbers],
        conflict[numbers],
        s=10 + 50 * scores.clip(min=0),
        color=[_COLOURS[verdicts[number]] for number in numbers],
        alpha=0.75,
        linewidths=0,
    )
    axis.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
    axis.set_xlabel('coverage', fontsize=8)
    axis.set_ylabel('conflict', fontsize=8)
    axis.tick_params(labelsize=7)
    axis.spines[['top', 'right']].set_visible(False)


def _draw_mask(
    axis: Axes,
    crop: np.ndarray,
    mask: np.ndarray,
    colour: Sequence[int],
    explanation: Explanation,
    window: tuple[slice, slice],
) -> None:
    """Draws a mask around the component, and the component in white."""
    height, width = mask.shape
    top, left = window[0].start, window[1].start
    shape = reduced_size(width, height, _MASK_SIDE)
    small = cv2.resize(crop, shape, interpolation=cv2.INTER_AREA)
    label = np.where(mask, 0, UNLABELLED).astype(np.uint8)
    painted = paint_label(small, resize_label(label, shape), [colour])
    rows, cols = explanation.candidates.component.pixels
    painted[
        (rows - top) * shape[1] // height, (cols - left) * shape[0] // width
    ] = 255
    xlim = left - 0.5, left + width - 0.5
    ylim = top + height - 0.5, top - 0.5
    axis.imshow(painted, extent=(*xlim, *ylim))
    _draw_points(axis, explanation.record.points)
    axis.set(xlim=xlim, ylim=ylim, xticks=[], yticks=[])


def _draw_points(axis: Axes, points: Sequence[Sequence[float]]) -> None:
    """Draws points (x, y)."""
    axis.plot(*np.transpose(points), '.', ms=3.5, color='black')


def _window(
    explanation: Explanation, shape: tuple[int, int]
) -> tuple[slice, slice]:
    """Returns the square window (rows, columns) around a component."""
    row0, col0, row1, col1 = explanation.record.bbox
    half = max(0.75 * max(row1 - row0, col1 - col0), 24)
    sides = []
    for low, high, size in zip((row0, col0), (row1, col1), shape):
        length = min(round(2 * half), size)
        start = round((low + high) / 2 - length / 2)
        start = min(max(start, 0), size - length)
        sides.append(slice(start, start + length))
    return sides[0], sides[1]
