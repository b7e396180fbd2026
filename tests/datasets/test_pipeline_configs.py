"""Data sets and pipelines in configs."""

from __future__ import annotations

import copy

import mmcv.transforms
import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmseg.datasets.transforms import RandomFlip, Resize
from mmseg.registry import TRANSFORMS

from mmseg_sesam.datasets.loading import LoadPseudoLabel, LoadWeakAnnotations
from mmseg_sesam.datasets.pipeline_configs import (
    common_data_root,
    iterate_pipelines,
    leaf_datasets,
    loading_dataset,
    pseudo_label_source,
    view_steps,
    with_view_of,
)
from mmseg_sesam.datasets.rgb_view import LoadRGBView

LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadWeakAnnotations', num_classes=3),
]
SOURCE = dict(type='LoadPseudoLabel')
AUGMENT = [
    dict(type='RandomCrop', crop_size=(8, 8)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSeSAMInputs'),
]


def dataset(*pipeline: dict, **options) -> dict:
    return dict(type='BaseSegDataset', pipeline=list(pipeline), **options)


def sesam(**options) -> dict:
    return dataset(*LOAD, SOURCE, *AUGMENT, **options)


def repeated(part: dict) -> dict:
    return dict(type='RepeatDataset', times=3, dataset=part)


def joined(*parts: dict) -> dict:
    return dict(type='ConcatDataset', datasets=list(parts))


def mixed(part: dict, *pipeline: dict) -> dict:
    return dict(
        type='MultiImageMixDataset', dataset=part, pipeline=list(pipeline)
    )


WRAPPED = {
    'plain': sesam(),
    'repeated': repeated(sesam()),
    'joined': joined(sesam(ann_file='a'), sesam(ann_file='b')),
    'mixed': mixed(sesam(), dict(type='PhotoMetricDistortion')),
    'all': repeated(joined(sesam(), mixed(repeated(sesam()), *AUGMENT))),
}


@pytest.mark.parametrize('config', WRAPPED.values(), ids=WRAPPED.keys())
def test_pseudo_label_source_within_wrappers(config: dict) -> None:
    assert pseudo_label_source(config) == SOURCE


def test_pseudo_label_source_after_simulated_labels() -> None:
    simulate = dict(type='SimulateWeakLabel', kind='point', data_root='d')
    config = dataset(*LOAD, simulate, SOURCE, *AUGMENT)

    assert pseudo_label_source(config) == SOURCE
    names = [t['type'] for t in loading_dataset(config)['pipeline']]
    assert names[-2:] == ['SimulateWeakLabel', 'PackSeSAMInputs']


@pytest.mark.parametrize('name', ['RandomRotFlip', 'Albu', 'CenterCrop'])
def test_pseudo_label_source_refuses_harmful_transforms(name: str) -> None:
    harmful = dict(type=name)
    for config in (
        dataset(*LOAD, SOURCE, harmful, *AUGMENT),
        repeated(dataset(*LOAD, SOURCE, harmful, *AUGMENT)),
        mixed(sesam(), harmful),
    ):
        with pytest.raises(ValueError, match=f'holds {name}, .* use Random'):
            pseudo_label_source(config)


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
def test_pseudo_label_source_refuses_chosen_transforms(chooser: dict) -> None:
    with pytest.raises(ValueError, match='holds CenterCrop, .* use Random'):
        pseudo_label_source(dataset(*LOAD, SOURCE, chooser, *AUGMENT))


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
def test_pseudo_label_source_compares_classes(nest, flip: dict) -> None:
    for config in (
        dataset(*LOAD, SOURCE, nest(flip), AUGMENT[2]),
        mixed(sesam(), nest(flip)),
    ):
        with pytest.raises(ValueError, match='Flip of mmcv, which does not'):
            pseudo_label_source(config)


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
def test_pseudo_label_source_refuses_resize_in_others(step: dict) -> None:
    with pytest.raises(ValueError, match='holds Resize of mmcv, which'):
        pseudo_label_source(dataset(*LOAD, SOURCE, step, *AUGMENT))


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
def test_pseudo_label_source_accepts_transforms_of_mmseg(step: dict) -> None:
    config = dataset(*LOAD, SOURCE, step, AUGMENT[2])
    assert pseudo_label_source(config) == SOURCE


def test_pseudo_label_source_finds_derived_classes() -> None:
    base = TRANSFORMS.get('LoadPseudoLabel')
    source = dict(SOURCE, type=type('Source', (base,), {}))
    weak = type('Weak', (TRANSFORMS.get('LoadWeakAnnotations'),), {})
    load = [LOAD[0], dict(type=weak, num_classes=3)]
    config = dataset(*load, source, *AUGMENT)

    assert pseudo_label_source(config) == source
    assert loading_dataset(config)['pipeline'][:-1] == load


def test_pseudo_label_source_names_options_that_differ() -> None:
    parts = [
        dataset(*LOAD, dict(SOURCE, ignore_index=value), *AUGMENT)
        for value in (255, 254)
    ]
    found = 'ignore_index differs .*255, 254.*: set ignore_index to the same'
    with pytest.raises(ValueError, match=found):
        pseudo_label_source(joined(*parts))


def test_pseudo_label_source_accepts_scopes() -> None:
    source = dict(SOURCE, type='mmseg.LoadPseudoLabel')
    load = [dict(step, type=f'mmseg.{step["type"]}') for step in LOAD]
    config = dataset(*load, source, *AUGMENT)

    assert pseudo_label_source(config) == source
    assert loading_dataset(config)['pipeline'][:-1] == load


def test_pseudo_label_source_refuses_padding() -> None:
    pad = dict(type='Pad', size=(8, 8))
    with pytest.raises(ValueError, match='holds Pad.* data preprocessor pad'):
        pseudo_label_source(dataset(*LOAD, SOURCE, pad, *AUGMENT))


KEEP = dict(type='KeepTeacherView')


@pytest.mark.parametrize(
    'later',
    [
        AUGMENT[0],
        dict(type='mmseg.RandomFlip', prob=0.5),
        dict(type='RandomApply', transforms=[dict(type='RandomRotate')]),
    ],
    ids=lambda step: step['type'],
)
def test_pseudo_label_source_refuses_views_that_differ(later: dict) -> None:
    colours = dict(type='PhotoMetricDistortion')
    fitting = dataset(*LOAD, SOURCE, *AUGMENT[:2], KEEP, colours, AUGMENT[2])
    assert pseudo_label_source(fitting) == SOURCE

    for parted in (
        dataset(*LOAD, SOURCE, KEEP, later, AUGMENT[2]),
        mixed(repeated(dataset(*LOAD, SOURCE, KEEP)), later, AUGMENT[2]),
    ):
        with pytest.raises(ValueError, match='after KeepTeacherView, which'):
            pseudo_label_source(parted)


def test_pseudo_label_source_refuses_changed_images() -> None:
    config = dataset(*LOAD, *AUGMENT[:2], SOURCE, AUGMENT[2])
    with pytest.raises(
        ValueError,
        match=r"holds \['RandomCrop', 'RandomFlip'\] before LoadPseudoLabel",
    ):
        pseudo_label_source(config)


@pytest.mark.parametrize(
    'config',
    [
        dataset(*LOAD, *AUGMENT),
        joined(sesam(), dataset(*LOAD, *AUGMENT)),
        joined(dataset(*LOAD, *AUGMENT), repeated(sesam())),
        joined(
            sesam(),
            dataset(*LOAD, dict(SOURCE, ignore_index=0), *AUGMENT),
        ),
    ],
    ids=['none', 'second without', 'first without', 'two stores'],
)
def test_pseudo_label_source_needs_one_for_all_data_sets(config: dict) -> None:
    with pytest.raises(
        ValueError, match='needs LoadPseudoLabel .* options in all data sets'
    ):
        pseudo_label_source(config)


def test_leaf_datasets_of_configs_and_built_data_sets() -> None:
    leaves = [sesam(ann_file='a'), sesam(ann_file='b')]
    assert list(leaf_datasets(repeated(joined(*leaves)))) == leaves

    parts = [BaseDataset(lazy_init=True, pipeline=[]) for _ in range(2)]
    joint = ConcatDataset(parts, lazy_init=True)
    assert list(leaf_datasets(joint)) == parts
    repeat = RepeatDataset(parts[0], times=2, lazy_init=True)
    assert list(leaf_datasets(repeat)) == parts[:1]


def test_iterate_pipelines_visits_wrappers() -> None:
    config = repeated(joined(sesam(), mixed(sesam(), AUGMENT[1])))

    found = list(iterate_pipelines(config))

    whole = [*LOAD, SOURCE, *AUGMENT]
    assert found == [whole, whole, [AUGMENT[1]]]


@pytest.mark.parametrize('config', WRAPPED.values(), ids=WRAPPED.keys())
def test_loading_dataset_keeps_images_whole(
    config: dict,
) -> None:
    before = copy.deepcopy(config)
    reduced = loading_dataset(config)

    assert config == before
    for pipeline in iterate_pipelines(reduced):
        assert pipeline == [*LOAD, dict(type='PackSeSAMInputs')]


def test_loading_dataset_with_pseudo_labels() -> None:
    reduced = loading_dataset(WRAPPED['joined'], with_pseudo_labels=True)
    for pipeline in iterate_pipelines(reduced):
        assert pipeline == [*LOAD, SOURCE, dict(type='PackSeSAMInputs')]

    without = dataset(*LOAD, *AUGMENT)
    (pipeline,) = iterate_pipelines(loading_dataset(without, True))
    assert pipeline == [*LOAD, dict(type='PackSeSAMInputs')]


def test_loading_dataset_takes_each_image_once() -> None:
    assert loading_dataset(repeated(sesam()))['type'] == 'BaseSegDataset'
    assert loading_dataset(mixed(sesam()))['type'] == 'BaseSegDataset'
    parts = joined(sesam(ann_file='a'), repeated(sesam(ann_file='b')))
    reduced = loading_dataset(parts)
    assert reduced['type'] == 'ConcatDataset'
    assert [part['ann_file'] for part in reduced['datasets']] == ['a', 'b']


@pytest.mark.parametrize(
    ('parts', 'expected'),
    [
        ([dict(data_root='/d/a')], '/d/a'),
        ([dict(data_root='/d/a'), dict(data_root='/d/b/c')], '/d'),
        ([dict(data_root='/d', data_prefix=dict(img_path='i'))], '/d'),
        ([dict(data_root='/d/a', data_prefix=dict(img_path='/d/i'))], '/d'),
        ([dict(data_prefix=dict(img_path='/d/i'))], '/d/i'),
    ],
)
def test_common_data_root_of_several_data_sets(
    parts: list[dict], expected: str
) -> None:
    config = joined(*(dict(part, type='BaseSegDataset') for part in parts))
    assert common_data_root(config) == expected


@pytest.mark.parametrize('derives', [False, True])
def test_view_steps_are_those_that_load_the_image(derives: bool) -> None:
    def derived(base: type) -> type:
        return type(f'My{base.__name__[4:]}', (base,), {})

    kinds = (
        LoadImageFromFile,
        LoadWeakAnnotations,
        LoadPseudoLabel,
        LoadRGBView,
    )
    if derives:
        kinds = tuple(map(derived, kinds))
    image, label, pseudo, view = (dict(type=kind) for kind in kinds)
    simulated = dict(type='SimulateWeakLabel', kind='point')
    train = dataset(image, label, simulated, pseudo, view, *AUGMENT)
    assert view_steps(train) == [image, view]
    assert view_steps(dataset(image, label)) == []

    cfg = dict(train_dataloader=dict(dataset=train))
    assert with_view_of(cfg, [image, label]) == [image, view, label]
    assert with_view_of(cfg, [image, view]) == [image, view]
