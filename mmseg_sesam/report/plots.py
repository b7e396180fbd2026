"""Plots of a report, as plotly figures.

The page sets the colours of text and grid, which depend on its dark mode.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isnan, nan
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mmseg_sesam.evaluation.weak_pixels import ALL_PIXELS, BY_CLASS
from mmseg_sesam.report.run import Run

# Readable on white and on black.
COLOURS = ('#3f7fbf', '#d9822b', '#3d9a5f', '#b85c9e', '#8a7a3d', '#cf5555')
# Each term has one colour in all plots.
_COLOUR_OF = dict(
    weak='#3f7fbf', pseudo='#d9822b', confident='#3d9a5f', loss='#7a7f87'
)
# Prefixes of logged names.
_LOSS, _SHARE = 'loss', 'share_'
# Mark of the step of the best validation.
_BEST = 'best'
_VAL_METRICS = ('mIoU', 'mBoundaryIoU', 'mDice', 'mFscore', 'mAcc', 'aAcc')
_PROXIES = (BY_CLASS, ALL_PIXELS)


def draw_curves(run: Run) -> list[dict[str, Any]]:
    """Returns 'title', 'note' and 'figure' of each plot of logged scalars."""
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
            'VAL PROXY',
            'percent of the held-back weak pixels that are right',
            _series(run.val, _PROXIES),
        ),
        (
            'Loss',
            'each term of each head, as weighted',
            # The sum has the shortest name and comes first.
            _series(run.train, sorted(losses, key=len)),
        ),
        (
            'Pixels behind each term',
            'share of a batch’s pixels',
            _series(run.train, shares),
        ),
        ('Learning rate', '', _series(run.train, ['lr'])),
    ]
    # Iterations after which rounds were made.
    marks = {
        manifest['iteration']: f'round {number}'
        for number, manifest in run.rounds.items()
        if number and 'iteration' in manifest
    }
    if run.best is not None:
        step = run.best['step']
        marks[step] = f'{_BEST}, {marks[step]}' if step in marks else _BEST
    return [
        dict(title=title, note=note, figure=_lines(series, marks, run.done))
        for title, note, series in plots
        if series
    ]


def draw_confusion(
    confusion: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Returns the figure of a confusion matrix, in percent of each true class.

    `confusion` has (C, C + 1) counts; classes that do not occur are left out.
    """
    occurs = confusion.sum(axis=1) > 0
    given = np.append(occurs | (confusion.sum(axis=0)[:-1] > 0), True)
    rows = confusion[occurs][:, given].astype(float)
    shares = 100 * rows / rows.sum(axis=1, keepdims=True)
    names = np.array([*classes, 'unlabelled'], object)
    return _heatmap(
        shares,
        names[given],
        names[:-1][occurs],
        hover='%{y} labelled %{x}: %{z:.1f} %',
        top=84,
    )


def draw_class_iou(run: Run) -> dict[str, Any] | None:
    """Returns the figure of each class's IoU over the validations of a run.

    It is None if no log has IoU by class.
    """
    if not run.class_iou:
        return None
    steps = sorted(run.class_iou)
    # The last validation names the classes.
    names = list(run.class_iou[steps[-1]])
    values = [
        [run.class_iou[step].get(name, nan) for step in steps]
        for name in names
    ]
    best = None if run.best is None else run.best['step']
    labels = [
        f'<b>{step:,.0f} {_BEST}</b>' if step == best else f'{step:,.0f}'
        for step in steps
    ]
    return _heatmap(
        values,
        labels,
        names,
        hover='%{y} at iteration %{x}: %{z:.1f} %',
        top=60,
        with_text=len(steps) <= 12,
    )


def _heatmap(
    values: Sequence[Sequence[float]],
    columns: Sequence[str],
    rows: Sequence[str],
    hover: str,
    top: int,
    with_text: bool = True,
) -> dict[str, Any]:
    """Returns a table of percentages in colours, first row on top."""
    # Low rows have no room for text.
    side = 26 if len(rows) <= 30 else 12
    texts = [['' if isnan(v) else f'{v:.0f}' for v in row] for row in values]
    figure = go.Figure(
        go.Heatmap(
            z=np.round(values, 2).tolist(),
            x=list(columns),
            y=list(rows),
            text=texts,
            texttemplate='%{text}' if with_text and side > 20 else '',
            zmin=0,
            zmax=100,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate=f'{hover}<extra></extra>',
        )
    )
    figure.update_layout(
        height=side * len(rows) + top + 20,
        margin=dict(l=110, r=12, t=top, b=10),
        xaxis=dict(side='top', tickangle=-45, type='category'),
        yaxis=dict(autorange='reversed', type='category'),
    )
    return json.loads(figure.to_json())


def _series(
    lines: Sequence[dict[str, float]], names: Sequence[str]
) -> dict[str, tuple[list, list]]:
    """Returns iterations and values by name, for logged names."""
    series = {}
    for name in names:
        points = [(line['step'], line[name]) for line in lines if name in line]
        if points:
            series[name] = tuple(map(list, zip(*points)))
    return series


def _is_loss(name: str) -> bool:
    return name == _LOSS or name.split('.')[-1].startswith(f'{_LOSS}_')


def _lines(
    series: dict[str, tuple[list, list]],
    marks: dict[float, str],
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
    for step, text in marks.items():
        best = text.startswith(_BEST)
        figure.add_vline(
            x=step,
            line=dict(
                color=COLOURS[2] if best else '#8888',
                width=1.5 if best else 1,
                dash='solid' if best else 'dot',
            ),
            # The right side has no room near the last step.
            annotation=dict(
                text=text,
                font=dict(size=10),
                yanchor='top',
                xanchor='right' if step > 0.8 * end else 'left',
            ),
        )
    figure.update_layout(
        height=240,
        margin=dict(l=48, r=12, t=8, b=36),
        hovermode='x unified',
        showlegend=len(series) > 1,
        legend=dict(orientation='h', y=-0.2, yanchor='top'),
        xaxis=dict(range=[0, 1.02 * end], tickformat=',d'),
        yaxis=dict(rangemode='tozero'),
    )
    return json.loads(figure.to_json())
