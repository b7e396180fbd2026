"""Data sets and pipelines in configs."""

from __future__ import annotations

import copy

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
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_sesam.datasets.loading import LoadPseudoLabel, LoadWeakAnnotations
from mmseg_sesam.datasets.pipeline_configs import (
    common_data_root,
    iterate_pipelines,
    leaf_datasets,
    loading_dataset,
    view_steps,
    with_view_of,
)
from mmseg_sesam.datasets.rgb_view import LoadRGBView


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


def test_loading_dataset_keeps_simulated_labels() -> None:
    simulate = dict(type='SimulateWeakLabel', kind='point', data_root='d')
    config = dataset(*LOAD, simulate, SOURCE, *AUGMENT)

    assert loading_dataset(config)['pipeline'][:-1] == [*LOAD, simulate]


def test_loading_dataset_finds_derived_classes_and_scopes() -> None:
    derived = [
        dict(step, type=type('My', (TRANSFORMS.get(step['type']),), {}))
        for step in (*LOAD, SOURCE)
    ]
    scoped = [
        dict(step, type=f'mmseg.{step["type"]}') for step in (*LOAD, SOURCE)
    ]
    for *load, source in (derived, scoped):
        config = dataset(*load, source, *AUGMENT)
        assert loading_dataset(config)['pipeline'][:-1] == load


def test_loading_dataset_takes_each_image_once() -> None:
    assert loading_dataset(repeated(sesam()))['type'] == 'BaseSegDataset'
    assert loading_dataset(mixed(sesam()))['type'] == 'BaseSegDataset'
    parts = joined(sesam(ann_file='a'), repeated(sesam(ann_file='b')))
    reduced = loading_dataset(parts)
    assert reduced['type'] == 'ConcatDataset'
    assert [part['ann_file'] for part in reduced['datasets']] == ['a', 'b']


class OwnFolders(BaseSegDataset):
    """A user's class that sets folders itself."""

    def __init__(self, **options) -> None:
        prefix = dict(img_path='images')
        super().__init__(data_root='/d/own', data_prefix=prefix, **options)


@pytest.mark.parametrize(
    ('parts', 'expected'),
    [
        ([dict(data_root='/d/a')], '/d/a'),
        ([dict(data_root='/d/a'), dict(data_root='/d/b/c')], '/d'),
        ([dict(data_root='/d', data_prefix=dict(img_path='i'))], '/d'),
        ([dict(data_root='/d/a', data_prefix=dict(img_path='/d/i'))], '/d'),
        ([dict(data_prefix=dict(img_path='/d/i'))], '/d/i'),
        ([dict(type=OwnFolders)], '/d/own'),
    ],
)
def test_common_data_root_of_several_data_sets(
    parts: list[dict], expected: str
) -> None:
    configs = [dict(dict(type='BaseSegDataset'), **part) for part in parts]
    # Without it data sets look for their files.
    configs = [dict(config, lazy_init=True) for config in configs]
    built = DATASETS.build(dict(joined(*configs), lazy_init=True))
    assert common_data_root(built) == expected


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
