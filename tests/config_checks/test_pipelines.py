"""Pipelines that load pseudo-labels, and transforms that move labels."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import mmcv.transforms
import pytest
from dataset_configs import (
    AUGMENT,
    LOAD,
    SOURCE,
    WRAPPED,
    dataset,
    joined,
    mixed,
    repeated,
    sesam,
)
from mmseg.datasets.transforms import RandomFlip, Resize
from mmseg.registry import TRANSFORMS

from mmseg_sesam.config_checks.pipelines import check_pipelines, check_views
from mmseg_sesam.datasets.pipeline_configs import iterate_leaves


@pytest.mark.parametrize('config', WRAPPED.values(), ids=WRAPPED.keys())
def test_check_pipelines_within_wrappers(config: dict) -> None:
    check_pipelines(config)


def test_check_pipelines_after_simulated_labels() -> None:
    simulate = dict(type='SimulateWeakLabel', kind='point', data_root='d')
    check_pipelines(dataset(*LOAD, simulate, SOURCE, *AUGMENT))


@pytest.mark.parametrize('name', ['Albu', 'CenterCrop'])
def test_check_pipelines_refuses_harmful_transforms(
    name: str, albumentations: None
) -> None:
    harmful = albu('GaussNoise', 'Affine') if name == 'Albu' else {}
    harmful['type'] = name
    for config in (
        dataset(*LOAD, SOURCE, harmful, *AUGMENT),
        repeated(dataset(*LOAD, SOURCE, harmful, *AUGMENT)),
        mixed(sesam(), harmful),
    ):
        with pytest.raises(ValueError, match=f'holds {name}, .* use Random'):
            check_pipelines(config)


@pytest.mark.parametrize('kind', ['GaussNoise', 'CoarseDropout'])
def test_check_pipelines_allows_albu_that_moves_nothing(
    kind: str, albumentations: None
) -> None:
    check_pipelines(dataset(*LOAD, SOURCE, albu(kind), *AUGMENT))


@pytest.mark.parametrize(
    'dropout',
    [
        dict(type='MaskDropout'),
        dict(type='CoarseDropout', mask_fill_value=0),
        dict(type='CoarseDropout', fill_mask=0),
    ],
)
def test_check_pipelines_refuses_albu_that_blanks_one_label(
    dropout: dict, albumentations: None
) -> None:
    blanking = dict(type='Albu', transforms=[dropout])
    with pytest.raises(ValueError, match='holds Albu, .* use Random'):
        check_pipelines(dataset(*LOAD, SOURCE, blanking, *AUGMENT))


@pytest.mark.parametrize(
    'chooser',
    [
        dict(type='RandomApply', transforms=dict(type='mmcv.CenterCrop')),
        dict(
            type='mmcv.RandomChoice',
            transforms=[[AUGMENT[1]], [dict(type='CenterCrop')]],
        ),
    ],
    ids=['apply', 'choice'],
)
def test_check_pipelines_refuses_chosen_transforms(chooser: dict) -> None:
    with pytest.raises(ValueError, match='holds CenterCrop, .* use Random'):
        check_pipelines(dataset(*LOAD, SOURCE, chooser, *AUGMENT))


class TurnedFlip(mmcv.transforms.RandomFlip):
    """A user's class whose base moves only gt_seg_map."""


class SameFlip(RandomFlip):
    """A user's class whose base moves all label maps."""


FLIPS_OF_MMCV = [
    dict(type='mmcv.RandomFlip', prob=0.5),
    dict(type='mmengine.RandomFlip', prob=0.5),
    dict(type=mmcv.transforms.RandomFlip, prob=0.5),
    dict(type=TurnedFlip, prob=0.5),
]


@pytest.mark.parametrize('flip', FLIPS_OF_MMCV)
@pytest.mark.parametrize(
    'nest',
    [
        lambda step: step,
        lambda step: dict(type='RandomApply', transforms=step),
        lambda step: dict(type='RandomChoice', transforms=[[step], [step]]),
        lambda step: dict(type='TransformBroadcaster', transforms=[step]),
        lambda step: dict(type='KeyMapper', transforms=[step]),
        lambda step: dict(type='mmcv.Compose', transforms=[step]),
        lambda step: dict(type='Branches', strong=[dict(type='A', weak=step)]),
    ],
    ids=['top', 'apply', 'choice', 'broadcast', 'keys', 'compose', 'custom'],
)
def test_check_pipelines_compares_classes(nest, flip: dict) -> None:
    for config in (
        dataset(*LOAD, SOURCE, nest(flip), AUGMENT[2]),
        mixed(sesam(), nest(flip)),
    ):
        with pytest.raises(ValueError, match='Flip of mmcv, which does not'):
            check_pipelines(config)


@pytest.mark.parametrize(
    'step',
    [
        dict(type='mmcv.Resize', scale=(8, 8)),
        dict(type='RandomResize', scale=(8, 8), resize_type='mmcv.Resize'),
        dict(
            type='RandomChoiceResize',
            scales=[(8, 8)],
            resize_type=mmcv.transforms.Resize,
        ),
    ],
    ids=lambda step: step['type'],
)
def test_check_pipelines_refuses_resize_in_others(step: dict) -> None:
    with pytest.raises(ValueError, match='holds Resize of mmcv, which'):
        check_pipelines(dataset(*LOAD, SOURCE, step, *AUGMENT))


@pytest.mark.parametrize(
    'step',
    [
        dict(type='mmseg.RandomFlip', prob=0.5),
        dict(type=RandomFlip, prob=0.5),
        dict(type=SameFlip, prob=0.5),
        dict(type=Resize, scale=(8, 8)),
        dict(type='mmcv.RandomResize', scale=(8, 8)),
        dict(type='RandomChoiceResize', scales=[(8, 8)]),
    ],
    ids=['scope', 'class', 'derived class', 'resize', 'mmcv', 'chosen scale'],
)
def test_check_pipelines_accepts_transforms_of_mmseg(step: dict) -> None:
    check_pipelines(dataset(*LOAD, SOURCE, step, AUGMENT[2]))


def test_check_pipelines_finds_derived_classes() -> None:
    base = TRANSFORMS.get('LoadPseudoLabel')
    source = dict(SOURCE, type=type('Source', (base,), {}))
    weak = type('Weak', (TRANSFORMS.get('LoadWeakAnnotations'),), {})
    load = [LOAD[0], dict(type=weak, num_classes=3)]
    check_pipelines(dataset(*load, source, *AUGMENT))


def test_check_pipelines_accepts_scopes() -> None:
    source = dict(SOURCE, type='mmseg.LoadPseudoLabel')
    load = [dict(step, type=f'mmseg.{step["type"]}') for step in LOAD]
    check_pipelines(dataset(*load, source, *AUGMENT))


def test_check_pipelines_refuses_padding() -> None:
    pad = dict(type='Pad', size=(8, 8))
    with pytest.raises(ValueError, match='holds Pad.* data preprocessor pad'):
        check_pipelines(dataset(*LOAD, SOURCE, pad, *AUGMENT))


KEEP = dict(type='KeepTeacherView')


def check_leaves(config: dict) -> None:
    for _, steps in iterate_leaves(config):
        check_views(steps)


@pytest.mark.parametrize(
    'later',
    [
        AUGMENT[0],
        dict(type='mmseg.RandomFlip', prob=0.5),
        dict(type='RandomApply', transforms=[dict(type='RandomRotate')]),
    ],
    ids=lambda step: step['type'],
)
def test_check_views_refuses_views_that_differ(later: dict) -> None:
    colours = dict(type='PhotoMetricDistortion')
    fitting = dataset(*LOAD, SOURCE, *AUGMENT[:2], KEEP, colours, AUGMENT[2])
    check_leaves(fitting)

    for parted in (
        dataset(*LOAD, SOURCE, KEEP, later, AUGMENT[2]),
        mixed(repeated(dataset(*LOAD, SOURCE, KEEP)), later, AUGMENT[2]),
    ):
        with pytest.raises(ValueError, match='after KeepTeacherView, which'):
            check_leaves(parted)


class DualTransform:
    """Base of the classes of albumentations that change masks, too."""


class Affine(DualTransform):
    pass


class CoarseDropout(DualTransform):
    pass


class GaussNoise:
    pass


def albu(*kinds: str | type) -> dict:
    one_of = dict(type='OneOf', transforms=[dict(type=k) for k in kinds])
    return dict(type='Albu', transforms=[one_of])


@pytest.fixture
def albumentations(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {k.__name__: k for k in (Affine, CoarseDropout, GaussNoise)}
    library = SimpleNamespace(**kinds)
    monkeypatch.setitem(sys.modules, 'albumentations', library)


@pytest.mark.usefixtures('albumentations')
@pytest.mark.parametrize('moving', ['Affine', Affine, 'HorizontalFlip'])
def test_check_views_refuses_moves_of_albu(moving: str | type) -> None:
    later = albu('GaussNoise', moving)
    check_leaves(dataset(*LOAD, later, KEEP, AUGMENT[2]))
    with pytest.raises(ValueError, match='(Affine|HorizontalFlip) after'):
        check_leaves(dataset(*LOAD, KEEP, later, AUGMENT[2]))


@pytest.mark.usefixtures('albumentations')
def test_check_views_accepts_albu_that_moves_nothing() -> None:
    later = albu('GaussNoise', 'CoarseDropout')
    check_leaves(dataset(*LOAD, KEEP, later, AUGMENT[2]))


def test_check_pipelines_refuses_changed_images() -> None:
    config = dataset(*LOAD, *AUGMENT[:2], SOURCE, AUGMENT[2])
    with pytest.raises(
        ValueError,
        match=r"holds \['RandomCrop', 'RandomFlip'\] before LoadPseudoLabel",
    ):
        check_pipelines(config)


@pytest.mark.parametrize(
    'config',
    [
        dataset(*LOAD, *AUGMENT),
        joined(sesam(), dataset(*LOAD, *AUGMENT)),
        joined(dataset(*LOAD, *AUGMENT), repeated(sesam())),
    ],
    ids=['none', 'second without', 'first without'],
)
def test_check_pipelines_needs_one_for_all_data_sets(config: dict) -> None:
    with pytest.raises(
        ValueError, match='needs LoadPseudoLabel .* in all data sets'
    ):
        check_pipelines(config)
