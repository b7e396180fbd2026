"""The picture that explains the pseudo-label of one image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from mmseg_sesam.pseudo_labels.generator import PseudoLabel

from .explanation import (
    CHOSEN,
    CONFLICT,
    GAIN,
    OTHER,
    SCORE,
    STABILITY,
    Explanation,
    Judged,
)
from .sheet import paint_label

_COLOURS = {
    CHOSEN: '#2a8a4a',
    CONFLICT: '#c8323c',
    SCORE: '#8a5ab5',
    STABILITY: '#b5892a',
    GAIN: '#4a7fb0',
    OTHER: '#8a8a86',
}
# Masks drawn of each component; the scatter plot has all candidates.
_MASKS = 5
_WIDTH = 15.0


def save_explanation(
    path: Path,
    image: np.ndarray,
    weak: np.ndarray,
    made: PseudoLabel,
    explanations: Sequence[Explanation],
    palette: Sequence[Sequence[int]],
    classes: Sequence[str],
) -> None:
    """Draws an image, its pseudo-label, and a row for each component.

    Args:
        path: of the picture.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 class ids.
        made: the pseudo-label.
        explanations: of the components that get a row.
        palette: RGB of each class.
        classes: name of each class.
    """
    height, width = image.shape[:2]
    head = _WIDTH / 3 * min(height / width, 1) + 0.6
    rows = 2.9
    figure = Figure(
        figsize=(_WIDTH, head + rows * len(explanations) + 0.4),
        layout='constrained',
    )
    heights = [head] + [rows] * len(explanations)
    parts = figure.subfigures(len(heights), 1, height_ratios=heights)
    parts = np.atleast_1d(parts)
    _draw_head(parts[0], image, weak, made, explanations, palette)
    for number, part in enumerate(parts[1:]):
        explanation = explanations[number]
        name = f'{number + 1}  {classes[explanation.record.class_id]}'
        _draw_row(part, image, explanation, palette, name)
    marks = [
        Line2D([], [], ls='', marker='o', color=colour, label=verdict)
        for verdict, colour in _COLOURS.items()
    ]
    figure.legend(
        handles=marks, loc='outside lower center', ncols=6, frameon=False
    )
    figure.savefig(path, dpi=90)


def _draw_head(
    part: SubFigure,
    image: np.ndarray,
    weak: np.ndarray,
    made: PseudoLabel,
    explanations: Sequence[Explanation],
    palette: Sequence[Sequence[int]],
) -> None:
    """The image, its components with their points, the pseudo-label."""
    axes = part.subplots(1, 3)
    labelled = np.mean(made.label != 255)
    pictures = {
        'image': image,
        f'weak label: {len(made.records)} components': paint_label(
            image, weak, palette
        ),
        f'pseudo-label: {labelled:.0%} of pixels': paint_label(
            image, made.label, palette
        ),
    }
    for axis, (title, picture) in zip(axes, pictures.items()):
        axis.imshow(picture)
        axis.set_title(title, fontsize=11)
        axis.set_axis_off()
    for number, explanation in enumerate(explanations):
        _draw_points(axes[1], explanation)
        row, col, _, _ = explanation.component.bbox
        axes[1].text(
            *(col, row, number + 1),
            fontsize=9,
            color='white',
            bbox=dict(facecolor='black', edgecolor='none', pad=1.5),
        )


def _draw_row(
    part: SubFigure,
    image: np.ndarray,
    explanation: Explanation,
    palette: Sequence[Sequence[int]],
    name: str,
) -> None:
    record, judged = explanation.record, explanation.judged
    widths = [1.25] + [1] * (1 + _MASKS)
    axes = part.subplots(1, 2 + _MASKS, width_ratios=widths)
    _draw_candidates(axes[0], judged)
    count = sum(bool(candidate.rank) for candidate in judged)
    outcome = f'{count} of {len(judged)} candidates'
    if not count:
        outcome = f'none of {len(judged)}: it keeps its weak pixels alone'
    part.suptitle(
        f'{name}:  {outcome};  coverage {record.coverage:.2f}, '
        f'conflict {record.conflict:.2f}, score {record.predicted_iou:.2f}',
        x=0.01,
        ha='left',
        fontsize=11,
        fontweight='bold',
    )
    window = _window(explanation, image.shape[:2])
    colour = palette[record.class_id]
    shape = image.shape[:2]
    union = np.zeros(shape, bool)
    for candidate in judged[:count]:
        union |= explanation.candidates.mask(candidate.prompt, candidate.index)
    _draw_mask(axes[1], image, union, colour, explanation, window)
    axes[1].set_title('the mask that it takes', fontsize=8)
    drawn = _best_of_each(judged)
    for axis, candidate in zip(axes[2:], drawn):
        mask = explanation.candidates.mask(candidate.prompt, candidate.index)
        _draw_mask(axis, image, mask, colour, explanation, window)
        rank = f' {candidate.rank}' if candidate.rank else ''
        axis.set_title(
            f'{candidate.verdict}{rank}\ncoverage {candidate.coverage:.2f}, '
            f'conflict {candidate.conflict:.2f}\n'
            f'score {candidate.score:.2f}',
            fontsize=8,
            color=_COLOURS[candidate.verdict],
        )
    for axis in axes[2 + len(drawn) :]:
        axis.set_axis_off()


def _best_of_each(judged: Sequence[Judged]) -> list[Judged]:
    """The candidates drawn: some of each verdict, those chosen first."""
    turns: dict[str, int] = {}
    order, seen = [], set()
    for place, candidate in enumerate(judged):
        # Points on one region get the same mask.
        measures = (candidate.coverage, candidate.conflict, candidate.area)
        if measures in seen and not candidate.rank:
            continue
        seen.add(measures)
        turn = turns.get(candidate.verdict, 0)
        turns[candidate.verdict] = turn + 1
        # Three that were chosen, then one of each verdict, and so on.
        late = turn // 3 if candidate.rank else turn
        order.append((late, place))
    return [judged[place] for _, place in sorted(order)[:_MASKS]]


def _draw_candidates(axis: Axes, judged: Sequence[Judged]) -> None:
    """Coverage and conflict of every candidate, its size by the score."""
    for candidate in reversed(judged):
        axis.scatter(
            candidate.coverage,
            candidate.conflict,
            s=10 + 50 * candidate.score,
            color=_COLOURS[candidate.verdict],
            alpha=0.75,
            linewidths=0,
        )
    axis.set_xlim(-0.05, 1.05)
    axis.set_ylim(-0.05, 1.05)
    axis.set_xlabel('coverage', fontsize=8)
    axis.set_ylabel('conflict', fontsize=8)
    axis.tick_params(labelsize=7)
    axis.spines[['top', 'right']].set_visible(False)


def _draw_mask(
    axis: Axes,
    image: np.ndarray,
    mask: np.ndarray,
    colour: Sequence[int],
    explanation: Explanation,
    window: tuple[slice, slice],
) -> None:
    painted = paint_label(image, np.where(mask, 0, 255), [colour])
    rows, cols = explanation.component.pixels
    painted[rows, cols] = 255
    axis.imshow(painted)
    _draw_points(axis, explanation)
    axis.set_ylim(window[0].stop - 0.5, window[0].start - 0.5)
    axis.set_xlim(window[1].start - 0.5, window[1].stop - 0.5)
    axis.set_xticks([])
    axis.set_yticks([])


def _draw_points(axis: Axes, explanation: Explanation) -> None:
    together = explanation.prompts[0]
    for inside, colour in ((1, 'black'), (0, 'red')):
        points = together.points[together.labels == inside]
        axis.plot(*points.T, '.', ms=3.5, color=colour)


def _window(
    explanation: Explanation, shape: tuple[int, int]
) -> tuple[slice, slice]:
    """The component's surroundings, as wide as high."""
    row0, col0, row1, col1 = explanation.component.bbox
    half = max(0.75 * max(row1 - row0, col1 - col0), 24)
    sides = []
    for low, high, size in zip((row0, col0), (row1, col1), shape):
        length = min(round(2 * half), size)
        start = round((low + high) / 2 - length / 2)
        start = min(max(start, 0), size - length)
        sides.append(slice(start, start + length))
    return sides[0], sides[1]
