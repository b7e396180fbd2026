"""Plots of a report, as plotly figures.

Colours of text and grid are the page's business, which knows whether it is
dark.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from .run import Run

_MARGIN = dict(l=48, r=12, t=8, b=36)
# Readable on white and on black.
COLOURS = ('#3f7fbf', '#d9822b', '#3d9a5f', '#b85c9e', '#8a7a3d')
# The three terms look alike in all plots.
_COLOUR_OF = dict(
    loss='#7a7f87',
    weak=COLOURS[0],
    sam=COLOURS[1],
    confident=COLOURS[2],
)
# How logged names begin.
_LOSS, _SHARE = 'loss', 'share_'
_VAL_METRICS = ('mIoU', 'mDice', 'mFscore', 'mAcc', 'aAcc')


def draw_curves(run: Run) -> list[dict[str, Any]]:
    """Draws what was logged over iterations.

    Args:
        run: the run.

    Returns:
        Of each plot its 'title', 'note' and 'figure', as JSON values.
    """
    logged = sorted({name for line in run.train for name in line})
    losses = [name for name in logged if _is_loss(name)]
    shares = [name for name in logged if name.startswith(_SHARE)]
    plots = [
        (
            'Validation',
            'percent of the dense validation labels',
            _series(run.val, _VAL_METRICS),
        ),
        (
            'Loss',
            'each term of each head, as weighted',
            # The sum, which has the shortest name, first.
            _series(run.train, sorted(losses, key=len)),
        ),
        (
            'Pixels behind each term',
            'share of a batch’s pixels',
            _series(run.train, shares),
        ),
        ('Learning rate', '', _series(run.train, ['lr'])),
    ]
    refreshes = _refreshes(run)
    end = max(line['step'] for line in run.train)
    return [
        dict(title=title, note=note, figure=_lines(series, refreshes, end))
        for title, note, series in plots
        if series
    ]


def draw_confusion(
    confusion: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Draws a confusion matrix, each true class as 100 %.

    Args:
        confusion: (C, C + 1) counts, see `confusion_matrix`.
        classes: C names.

    Returns:
        The figure as JSON values. Classes that do not occur are left out.
    """
    occurs = confusion.sum(axis=1) > 0
    given = np.append(occurs | (confusion.sum(axis=0)[:-1] > 0), True)
    rows = confusion[occurs][:, given].astype(float)
    shares = 100 * rows / rows.sum(axis=1, keepdims=True)
    names = np.array([*classes, 'unlabelled'], object)
    side = 26 if len(shares) <= 30 else 12
    figure = go.Figure(
        go.Heatmap(
            z=shares.round(2).tolist(),
            x=names[given].tolist(),
            y=names[:-1][occurs].tolist(),
            text=shares.round().astype(int).tolist(),
            texttemplate='%{text}' if side > 20 else '',
            zmin=0,
            zmax=100,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate='%{y} labelled %{x}: %{z:.1f} %<extra></extra>',
        )
    )
    figure.update_layout(
        height=side * len(shares) + 110,
        margin=dict(l=110, r=12, t=84, b=12),
        xaxis=dict(side='top', tickangle=-45, type='category'),
        yaxis=dict(autorange='reversed', type='category'),
    )
    return json.loads(figure.to_json())


def _series(
    lines: Sequence[dict[str, float]], names: Sequence[str]
) -> dict[str, tuple[list, list]]:
    """Of each name that was logged, its iterations and values."""
    series = {}
    for name in names:
        found = [line for line in lines if name in line]
        if found:
            steps = [line['step'] for line in found]
            series[name] = (steps, [line[name] for line in found])
    return series


def _is_loss(name: str) -> bool:
    return name == _LOSS or name.split('.')[-1].startswith(f'{_LOSS}_')


def _lines(
    series: dict[str, tuple[list, list]],
    refreshes: dict[int, int],
    end: float,
) -> dict[str, Any]:
    figure = go.Figure()
    for number, (name, (steps, values)) in enumerate(series.items()):
        figure.add_scatter(
            x=steps,
            y=values,
            name=name.replace(_SHARE, ''),
            mode='lines+markers' if len(steps) < 30 else 'lines',
            line=dict(
                color=_COLOUR_OF.get(
                    name.split('_')[-1], COLOURS[number % len(COLOURS)]
                ),
                dash='dot' if name.startswith('aux') else 'solid',
                width=1.8,
            ),
            marker=dict(size=5),
        )
    for round_index, step in refreshes.items():
        figure.add_vline(
            x=step,
            line=dict(color='#8888', width=1, dash='dot'),
            annotation=dict(
                text=f'round {round_index}', font=dict(size=10), yanchor='top'
            ),
        )
    figure.update_layout(
        height=240,
        margin=_MARGIN,
        hovermode='x unified',
        showlegend=len(series) > 1,
        legend=dict(orientation='h', y=-0.2, yanchor='top'),
        xaxis=dict(range=[0, 1.02 * end], tickformat=',d'),
        yaxis=dict(rangemode='tozero'),
    )
    return json.loads(figure.to_json())


def _refreshes(run: Run) -> dict[int, int]:
    """By round, the iteration after which it was made."""
    return {
        number: manifest['iteration']
        for number, manifest in run.rounds.items()
        if number and 'iteration' in manifest
    }
