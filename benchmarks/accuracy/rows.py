"""The rows of the comparison, as changes of the project's own configs."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, NamedTuple

from mmseg_sesam.structures import SOURCES

KINDS = ('coarse', 'scribble', 'point')


class Row(NamedTuple):
    """One training run's recipe.

    Attributes:
        config: under configs/sesam, without '.py'.
        about: one phrase, for the table.
        changes: of the config, as `Config.merge_from_dict` takes them.
    """

    config: str
    about: str
    changes: dict[str, Any] = {}


def _kind_rows(kind: str) -> dict[str, Row]:
    config = f'deeplabv3_camvid_{kind}'
    return {
        f'weak-{kind}': Row(f'{config}_weak-only', 'weak labels alone'),
        f'teacher-{kind}': Row(
            f'{config}_weak-only',
            'weak labels + EMA teacher',
            {'model.teacher': 'online'},
        ),
        f'gated-crf-{kind}': Row(
            f'{config}_weak-only',
            'weak labels + gated CRF loss',
            {
                'model.regularizers': [
                    dict(type='GatedCRFLoss', loss_weight=0.1)
                ]
            },
        ),
        f'offline-{kind}': Row(
            f'{config}_offline', 'pseudo-labels of round 0, no teacher'
        ),
        f'sesam-{kind}': Row(config, 'SeSAM'),
    }


def _without(name: str) -> dict[str, Any]:
    """Sets the weight of one label source to 0."""
    sources = [
        replace(source, loss_weight=0.0) if source.name == name else source
        for source in SOURCES
    ]
    configs = [dict(asdict(one), type='LabelSource') for one in sources]
    return {'model.sources': configs}


_SCRIBBLE = 'deeplabv3_camvid_scribble'
_HOOK = 'default_hooks.pseudo_labels'
_PROMPTER = f'{_HOOK}.generator.prompter'
_SELECTOR = f'{_HOOK}.generator.selector'

ABLATIONS = {
    'random-points': Row(
        _SCRIBBLE,
        'random points in place of skeleton points',
        {f'{_PROMPTER}.strategy': 'random'},
    ),
    'merge-best': Row(
        _SCRIBBLE,
        'the best mask, not a union of masks',
        {f'{_SELECTOR}.merge': 'best'},
    ),
    'no-doubt': Row(
        _SCRIBBLE,
        'no limit on the expansion of masks',
        {f'{_SELECTOR}.max_rejected_share': 1.0},
    ),
    'no-conflict': Row(
        _SCRIBBLE,
        'no limit on the conflict of masks',
        {f'{_SELECTOR}.max_conflict': 1.0},
    ),
    'rounds-0': Row(_SCRIBBLE, 'no refresh', {f'{_HOOK}.max_rounds': 0}),
    'rounds-1': Row(_SCRIBBLE, 'one refresh', {f'{_HOOK}.max_rounds': 1}),
    'no-weak-loss': Row(_SCRIBBLE, 'without L_weak', _without('weak')),
    'no-sam-loss': Row(_SCRIBBLE, 'without L_pseudo', _without('pseudo')),
    'no-confident-loss': Row(
        _SCRIBBLE, 'without L_confident', _without('confident')
    ),
    'no-crf-loss': Row(
        _SCRIBBLE,
        'without the gated CRF loss',
        {'model.regularizers': []},
    ),
    'no-agreement': Row(
        _SCRIBBLE, 'without agreement', {'model.agreement': 0.0}
    ),
    **{
        f'points-{count}': Row(
            _SCRIBBLE,
            f'points of a component: {count} at most',
            {f'{_PROMPTER}.max_points': count},
        )
        for count in (1, 5, 20)
    },
}

ROWS: dict[str, Row] = {
    'full': Row('deeplabv3_camvid_full', 'dense labels'),
    **{name: row for kind in KINDS for name, row in _kind_rows(kind).items()},
    **ABLATIONS,
}
