"""The rows of the comparison, as changes of the project's own configs."""

from __future__ import annotations

from typing import Any, NamedTuple

KINDS = ('coarse', 'scribble', 'point')


class Row(NamedTuple):
    """One training run's recipe.

    Attributes:
        config: under configs/sesam, without '.py'.
        about: one phrase, for the table.
        changes: of the config, as `Config.merge_from_dict` takes them.
        hook: changes of the `SAMPseudoLabelHook`.
        generator: changes of its `PseudoLabelGenerator`.
    """

    config: str
    about: str
    changes: dict[str, Any] = {}
    hook: dict[str, Any] = {}
    generator: dict[str, Any] = {}


def _kind_rows(kind: str) -> dict[str, Row]:
    config = f'deeplabv3_camvid_{kind}'
    return {
        f'weak-{kind}': Row(f'{config}_weak-only', 'weak labels alone'),
        f'teacher-{kind}': Row(
            f'{config}_weak-only',
            'weak labels + EMA teacher',
            {'model.teacher': 'online'},
        ),
        f'offline-{kind}': Row(
            f'{config}_offline', 'pseudo-labels of round 0, no teacher'
        ),
        f'sesam-{kind}': Row(config, 'SeSAM'),
    }


def _without(term: str) -> dict[str, Any]:
    return {f'model.mixed_loss.{term}_weight': 0.0}


_SCRIBBLE = 'deeplabv3_camvid_scribble'
_PROMPTER = dict(type='SkeletonPrompter', spacing=10, max_points=100)
_SELECTOR = dict(
    type='CoverageMaskSelector',
    max_conflict=0.04,
    min_coverage=0.1,
    min_gain=0.005,
)

ABLATIONS = {
    'random-points': Row(
        _SCRIBBLE,
        'random points for skeleton points',
        generator=dict(prompter=dict(_PROMPTER, strategy='random')),
    ),
    'merge-best': Row(
        _SCRIBBLE,
        'the best mask alone, not a union',
        generator=dict(selector=dict(_SELECTOR, merge='best')),
    ),
    'no-doubt': Row(
        _SCRIBBLE,
        'masks may grow as far as they will',
        generator=dict(selector=dict(_SELECTOR, max_doubt=1.0)),
    ),
    'no-conflict': Row(
        _SCRIBBLE,
        'masks may hold weak labels of other classes',
        generator=dict(selector=dict(_SELECTOR, max_conflict=1.0)),
    ),
    'rounds-0': Row(_SCRIBBLE, 'no refresh', hook=dict(max_rounds=0)),
    'rounds-1': Row(_SCRIBBLE, 'one refresh', hook=dict(max_rounds=1)),
    'no-weak-loss': Row(_SCRIBBLE, 'without L_weak', _without('weak')),
    'no-sam-loss': Row(_SCRIBBLE, 'without L_sam', _without('sam')),
    'no-confident-loss': Row(
        _SCRIBBLE, 'without L_confident', _without('confident')
    ),
    'no-agreement': Row(
        _SCRIBBLE, 'without sam_agreement', {'model.sam_agreement': 0.0}
    ),
    **{
        f'points-{count}': Row(
            _SCRIBBLE,
            f'at most {count} points a component',
            generator=dict(prompter=dict(_PROMPTER, max_points=count)),
        )
        for count in (1, 5, 20)
    },
}

ROWS: dict[str, Row] = {
    'full': Row('deeplabv3_camvid_full', 'dense labels'),
    **{name: row for kind in KINDS for name, row in _kind_rows(kind).items()},
    **ABLATIONS,
}
