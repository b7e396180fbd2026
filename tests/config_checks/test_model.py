"""Options of the model and transforms that do not fit together."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mmseg_sesam.config_checks import check_config

from .changes import (
    MakeConfig,
    Spoil,
    add,
    assert_refused,
    find,
    mosaic,
    set_weights,
    steps,
    weak_only,
)

PAD = dict(type='Pad', size=(64, 64))


def unchanged(cfg: Config) -> None:
    pass


def switch_off(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.enabled = False


def one_view(cfg: Config) -> None:
    weak_only(cfg)
    steps(cfg).remove(find(cfg, 'KeepTeacherView'))


def remaining(cfg: Config, **options: object) -> None:
    """Divides the term of weak labels by all pixels."""
    one_view(cfg)
    weak = dict(
        type='LabelSource',
        name='weak',
        field='gt_sem_seg',
        normalizer='remaining',
    )
    cfg.model.update(teacher=None, sources=[dict(weak, **options)])


def source(name: str, **options: object) -> dict:
    """A source of a field; 'weak', 'dense' and 'point' are of people."""
    made = name in ('pseudo', 'confident', 'further')
    field = f'{name}_sem_seg' if made else 'gt_sem_seg'
    return dict(type='LabelSource', name=name, field=field, **options)


WEAK, PSEUDO, CONFIDENT, FURTHER = map(
    source, ('weak', 'pseudo', 'confident', 'further')
)
POINT = source('point', kinds=['point'])
DENSE = source('dense', kinds=['dense'])


class TestOrder:
    @pytest.mark.parametrize(
        'sources, first, later',
        [
            ([PSEUDO, WEAK, CONFIDENT], 'pseudo', 'weak'),
            ([CONFIDENT, WEAK, PSEUDO], 'confident', 'weak'),
            ([CONFIDENT, PSEUDO, WEAK], 'confident', 'weak'),
            ([DENSE, PSEUDO, WEAK], 'pseudo', 'weak'),
            ([POINT, PSEUDO, WEAK], 'pseudo', 'weak'),
        ],
    )
    def test_check_config_refuses_made_labels_before_those_of_people(
        self, make_config: MakeConfig, sources: list, first: str, later: str
    ) -> None:
        def spoil(cfg: Config) -> None:
            cfg.model.sources = sources

        found = f"'{first}' in .* before '{later}' and takes .* before it."
        assert_refused(make_config, spoil, found)

    @pytest.mark.parametrize(
        'sources',
        [
            [FURTHER, WEAK, PSEUDO, CONFIDENT],
            [WEAK, CONFIDENT, PSEUDO, FURTHER],
        ],
    )
    def test_check_config_accepts_orders_that_keep_human_labels(
        self, make_config: MakeConfig, sources: list
    ) -> None:
        cfg = make_config()
        cfg.model.sources = sources
        check_config(cfg)

    def test_check_config_accepts_sources_that_are_off(
        self, make_config: MakeConfig
    ) -> None:
        cfg = make_config()
        weak_only(cfg)
        cfg.model.update(teacher=None, sources=[CONFIDENT, PSEUDO, WEAK])
        check_config(cfg)


class TestPadding:
    @pytest.mark.parametrize('change', [switch_off, weak_only, one_view])
    @pytest.mark.parametrize('place', ['RandomCrop', 'PackSeSAMInputs'])
    def test_check_config_refuses_it_with_an_online_teacher(
        self, make_config: MakeConfig, change, place: str
    ) -> None:
        def spoil(cfg: Config) -> None:
            change(cfg)
            add(PAD, before=place)(cfg)

        found = "holds Pad, and teacher='online' would label .* preproc"
        assert_refused(make_config, spoil, found)

    @pytest.mark.parametrize(
        'change', [unchanged, switch_off, weak_only, one_view]
    )
    def test_check_config_refuses_mosaic_with_an_online_teacher(
        self, make_config: MakeConfig, change
    ) -> None:
        def spoil(cfg: Config) -> None:
            change(cfg)
            mosaic(cfg)

        found = "RandomMosaic, and teacher='online' would label .*; take it o"
        assert_refused(make_config, spoil, found)

    @pytest.mark.parametrize(
        ('change', 'name'),
        [
            (add(dict(type='RandomApply', transforms=[PAD])), 'holds Pad'),
            (mosaic, 'holds RandomMosaic'),
        ],
    )
    def test_check_config_refuses_it_where_pixels_are_counted(
        self, make_config: MakeConfig, change: Spoil, name: str
    ) -> None:
        def spoil(cfg: Config) -> None:
            remaining(cfg)
            change(cfg)

        found = f"{name}, and normalizer='remaining' of 'weak' would count"
        assert_refused(make_config, spoil, found)

    @pytest.mark.parametrize('change', [add(PAD), mosaic])
    def test_check_config_accepts_it_where_nothing_sees_it(
        self, make_config: MakeConfig, change: Spoil
    ) -> None:
        # The default source of confident labels is off without a teacher.
        for options in (dict(sources=None), {}):
            cfg = make_config()
            remaining(cfg, normalizer='labelled')
            cfg.model.update(options)
            change(cfg)
            check_config(cfg)

    def test_check_config_accepts_mosaic_with_weak_classes_of_refreshes(
        self, make_config: MakeConfig
    ) -> None:
        # Refreshes predict on single images.
        cfg = make_config()
        cfg.model.update(teacher=None, only_weak_classes=True)
        mosaic(cfg)
        check_config(cfg)


def further_source(cfg: Config) -> None:
    set_weights(cfg)
    cfg.model.sources += [
        dict(type='LabelSource', name='dense', field='dense_sem_seg')
    ]


class TestFurtherMap:
    @pytest.mark.parametrize('change', [switch_off, weak_only])
    @pytest.mark.parametrize(
        'step',
        [
            dict(type='mmcv.RandomFlip', prob=0.5),
            dict(type='Albu', transforms=[dict(type='RandomCrop')]),
        ],
        ids=lambda step: step['type'],
    )
    def test_check_config_refuses_transforms_that_leave_it(
        self, make_config: MakeConfig, change, step: dict
    ) -> None:
        def spoil(cfg: Config) -> None:
            change(cfg)
            add(step)(cfg)

        cfg = make_config()
        spoil(cfg)
        # They move the only map.
        check_config(cfg)

        def spoil_further(cfg: Config) -> None:
            spoil(cfg)
            further_source(cfg)

        found = 'holds .*, which does not move all label maps'
        assert_refused(make_config, spoil_further, found)

    def test_check_config_accepts_transforms_that_move_it(
        self, make_config: MakeConfig
    ) -> None:
        cfg = make_config()
        weak_only(cfg)
        further_source(cfg)
        check_config(cfg)
