"""The rows of the comparison, as changes of the project's own configs."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, NamedTuple

from mmseg_sesam.structures import SOURCES

from .mixes import Mix, mix_for
from .sets import HALVES, SETS, DataSet

# Learning rate of sesam_800.py.
RATE = 1e-3


class Row(NamedTuple):
    """One training run's recipe.

    Attributes:
        config: under configs/sesam, without '.py'.
        about: one phrase, for the table.
        changes: of the config, as `Config.merge_from_dict` takes them.
        class_weights: whether the loss on human labels is class-balanced.
        shares: whether ClassSharesHook gives the classes' shares.
        pixels: random pixels that give the class shares; 0 for exact ones.
        mix: kinds of labels of the training images; None for one kind.
    """

    config: str
    about: str
    changes: dict[str, Any] = {}
    class_weights: bool = True
    shares: bool = False
    pixels: int = 0
    mix: Mix | None = None


_RATE = 'optim_wrapper.optimizer.lr'
_HOOK = 'default_hooks.pseudo_labels'
# The baselines of configs/sesam/README.md.
_NO_TEACHER = {'model.teacher': None, 'model.regularizers': []}
_WEAK_ONLY = _NO_TEACHER | {f'{_HOOK}.enabled': False}
_OFFLINE = _NO_TEACHER | {f'{_HOOK}.max_rounds': 0}
# Rows of dense labels; the best one is 'dense'.
DENSE_ROWS = ('full', 'unweighted-full')
# Starts of the names of the rows of which the best is 'weak only'.
WEAK = ('weak', 'unweighted', 'slow', 'fast', 'gated-crf')


def _kind_rows(config: str, kind: str) -> dict[str, Row]:
    weak = _WEAK_ONLY
    crf = [dict(type='GatedCRFLoss', loss_weight=0.1)]
    return {
        f'weak-{kind}': Row(config, 'weak labels alone', weak),
        f'unweighted-{kind}': Row(
            config,
            'weak labels, no class weights',
            weak,
            class_weights=False,
        ),
        f'slow-{kind}': Row(
            config,
            'weak labels, half the learning rate',
            weak | {_RATE: 0.5 * RATE},
        ),
        f'fast-{kind}': Row(
            config,
            'weak labels, twice the learning rate',
            weak | {_RATE: 2 * RATE},
        ),
        f'teacher-{kind}': Row(
            config,
            'weak labels + EMA teacher',
            weak | {'model.teacher': 'online'},
        ),
        f'gated-crf-{kind}': Row(
            config,
            'weak labels + gated CRF loss',
            weak | {'model.regularizers': crf},
        ),
        f'offline-{kind}': Row(
            config, 'pseudo-labels of round 0, no teacher', _OFFLINE
        ),
        f'sesam-{kind}': (sesam := Row(config, 'SeSAM')),
        f'crf-sesam-{kind}': Row(
            config, 'SeSAM + gated CRF loss', {'model.regularizers': crf}
        ),
        f'unweighted-sesam-{kind}': _unweighted(sesam),
    }


def _unweighted(row: Row) -> Row:
    about = f'{row.about}, no class weights'
    return row._replace(about=about, class_weights=False)


def _share_rows(config: str, kind: str) -> dict[str, Row]:
    return {
        f'shares-{kind}': Row(
            config, 'SeSAM, known class shares', shares=True
        ),
        f'shares-300-{kind}': Row(
            config,
            'SeSAM, class shares of 300 random pixels',
            shares=True,
            pixels=300,
        ),
    }


def _dense_rows(data_set: DataSet) -> dict[str, Row]:
    config = f'{data_set.config}_full'
    return {
        'full': Row(config, 'dense labels'),
        'unweighted-full': Row(
            config, 'dense labels, no class weights', class_weights=False
        ),
    }


def _half_rows(data_set: DataSet) -> dict[str, Row]:
    """Returns rows of mixes, and of the kinds of labels in them."""
    config, dense = data_set.config, 10
    weak = {kind: f'{config}_{kind}' for kind in data_set.kinds}
    rows = {
        **_dense_rows(data_set),
        **{f'sesam-{kind}': Row(weak[kind], 'SeSAM') for kind in weak},
    }
    if 'scribble' not in weak:
        # Scribbles are simulated in the config of points.
        weak['scribble'] = weak['point']
        rows['sesam-scribble'] = Row(
            weak['point'], 'SeSAM, simulated scribbles', mix=Mix('scribble')
        )
    for kind in weak:
        rows[f'unweighted-sesam-{kind}'] = _unweighted(rows[f'sesam-{kind}'])
    return rows | {
        **{
            f'dense{number}': Row(
                f'{config}_full',
                f'{number} dense images alone',
                mix=Mix(None, number),
            )
            for number in (dense, 13)
        },
        **{
            f'dense{dense}+{kind}': Row(
                weak[kind],
                f'SeSAM, {dense} dense images and {kind}s on the others',
                mix=Mix(kind, dense),
            )
            for kind in ('scribble', 'point')
        },
        'scribble-quarter': Row(
            weak['scribble'],
            'SeSAM, scribbles on a quarter of the images alone',
            mix=Mix('scribble', share=0.25),
        ),
        'scribble-quarter+none': Row(
            weak['scribble'],
            'SeSAM, scribbles on a quarter, the others unlabelled',
            mix=Mix('scribble', share=0.25, unlabelled=True),
        ),
    }


def _weighed_rows(rows: dict[str, Row]) -> dict[str, Row]:
    """Returns mixes with another sampler, or another weight of a kind."""
    equally = {
        'train_dataloader.sampler': dict(
            _delete_=True, type='InfiniteSampler', shuffle=True
        )
    }
    light = {'model.sources.0.loss_weight': 1 / 3}
    by_pixels = {'model.sources.0.normalizer': 'remaining'}

    def vary(name: str, said: str, changes: dict[str, Any]) -> Row:
        row = rows[name]
        return row._replace(about=f'{row.about}, {said}', changes=changes)

    return {
        'dense10+scribble-equally': vary(
            'dense10+scribble', 'drawn equally often', equally
        ),
        'dense10+scribble-light': vary(
            'dense10+scribble', 'a third of the weight for dense labels', light
        ),
        'dense10+scribble-by-pixels': vary(
            'dense10+scribble', 'dense labels weighted by pixels', by_pixels
        ),
        'scribble-quarter+none-equally': vary(
            'scribble-quarter+none', 'drawn equally often', equally
        ),
    }


# Kind of weak labels and number of dense images by hours of labelling, where
# no other row costs as much.
_HOURS: dict[int, list[tuple[str | None, int]]] = {
    2: [
        *(('point', 0), ('scribble', 0), ('coarse', 0)),
        *((None, 1), ('point', 1), ('scribble', 1)),
    ],
    5: [('coarse', 0), (None, 3), ('point', 1), ('scribble', 1)],
    20: [('coarse', 0), (None, 13)],
}


def _budget_rows(config: str) -> dict[str, Row]:
    rows = {}
    for hours, mixes in _HOURS.items():
        for kind, dense in mixes:
            parts = [f'dense{dense}'] * bool(dense) + [kind] * bool(kind)
            rows[f'{hours}h-{"+".join(parts)}'] = Row(
                # The pipeline of a mix makes the labels itself.
                f'{config}_{kind or "scribble"}',
                f'SeSAM, {hours} hours of labelling, the others unlabelled',
                mix=mix_for(hours, kind, dense),
            )
    return rows


def _set_rows(data_set: DataSet) -> dict[str, Row]:
    rows = _dense_rows(data_set)
    for kind in data_set.kinds:
        config = f'{data_set.config}_{kind}'
        rows |= _kind_rows(config, kind)
        # Coarse masks show most of the areas.
        if kind != 'coarse':
            rows |= _share_rows(config, kind)
    return rows


def _without(name: str) -> dict[str, Any]:
    """Sets the weight of one label source to 0."""
    sources = [
        replace(source, loss_weight=0.0) if source.name == name else source
        for source in SOURCES
    ]
    configs = [dict(asdict(one), type='LabelSource') for one in sources]
    return {'model.sources': configs}


_SCRIBBLE = 'deeplabv3_camvid_scribble'
_PROMPTER = f'{_HOOK}.generator.prompter'
_SELECTOR = f'{_HOOK}.generator.selector'

ABLATIONS = {
    'random-points': Row(
        _SCRIBBLE,
        'random points instead of skeleton points',
        {f'{_PROMPTER}.strategy': 'random'},
    ),
    'no-reliability': Row(
        _SCRIBBLE,
        'no limit on the reliability of masks',
        {f'{_SELECTOR}.min_reliability': 0.0},
    ),
    'no-conflict': Row(
        _SCRIBBLE,
        'no limit on the conflict of masks',
        {f'{_SELECTOR}.max_conflict': 1.0},
    ),
    'rounds-0': Row(_SCRIBBLE, 'no refresh', {f'{_HOOK}.max_rounds': 0}),
    'rounds-1': Row(_SCRIBBLE, 'one refresh', {f'{_HOOK}.max_rounds': 1}),
    'no-weak-loss': Row(_SCRIBBLE, 'without L_weak', _without('weak')),
    'no-pseudo-loss': Row(_SCRIBBLE, 'without L_pseudo', _without('pseudo')),
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

ROWS: dict[str, dict[str, Row]] = {
    **{name: _set_rows(data_set) for name, data_set in SETS.items()},
    **{name: _half_rows(data_set) for name, data_set in HALVES.items()},
}
ROWS['camvid'] |= ABLATIONS
# Hours are known for the number of CamVid's images alone.
BUDGETS = _budget_rows(SETS['camvid'].config)
WEIGHED = _weighed_rows(ROWS['half-camvid'])
ROWS['half-camvid'] |= WEIGHED | BUDGETS
