"""Class lists of joined data sets."""

from __future__ import annotations

import pytest
from mixed import mix
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_sesam.config_checks import check_config

from .changes import MakeConfig


def joined(make_config: MakeConfig, **second) -> Config:
    cfg = mix(make_config())
    cfg.train_dataloader.dataset.datasets[1].update(second)
    return cfg


@pytest.mark.parametrize(
    ('classes', 'said'),
    [
        (('a', 'b', 'road'), r"data set 1 .* differ in \['c', 'road'\], exp"),
        (('b', 'a', 'c'), r"it has them as \['b', 'a', 'c'\], expected"),
    ],
)
def test_check_config_rejects_joined_data_sets_of_other_classes(
    make_config: MakeConfig, classes: tuple[str, ...], said: str
) -> None:
    cfg = joined(make_config, metainfo=dict(classes=classes))
    with pytest.raises(ValueError, match=said):
        check_config(cfg)


@pytest.mark.parametrize(
    ('options', 'key'),
    [
        (
            dict(type='MappedSegDataset', file_classes=['c', 'b', 'a']),
            'label_map',
        ),
        (dict(reduce_zero_label=True), 'reduce_zero_label'),
    ],
)
def test_check_config_names_keys_that_concat_dataset_compares(
    make_config: MakeConfig, options: dict, key: str
) -> None:
    cfg = joined(make_config, **options)
    with pytest.raises(ValueError, match=f'differ in {key}, .*ignore_keys='):
        check_config(cfg)
    cfg.train_dataloader.dataset.ignore_keys = [key]
    check_config(cfg)


def test_check_config_passes_a_data_set_that_names_the_same_classes(
    make_config: MakeConfig,
) -> None:
    cfg = make_config()
    init_default_scope('mmseg')
    metainfo = cfg.train_dataloader.dataset.metainfo

    @DATASETS.register_module(force=True)
    class OfThreeClasses(BaseSegDataset):
        METAINFO = dict(metainfo)

    cfg = joined(make_config, type='OfThreeClasses')
    del cfg.train_dataloader.dataset.datasets[1].metainfo
    check_config(cfg)
    DATASETS.build(cfg.train_dataloader.dataset)


def test_check_config_names_types_that_concat_dataset_compares(
    make_config: MakeConfig,
) -> None:
    cfg = joined(make_config, metainfo=dict(classes=['a', 'b', 'c']))
    with pytest.raises(ValueError, match='types tuple, list, tuple, which'):
        check_config(cfg)
    cfg.train_dataloader.dataset.ignore_keys = 'classes'
    check_config(cfg)


def test_check_config_names_palettes_that_concat_dataset_compares(
    make_config: MakeConfig,
) -> None:
    metainfo = dict(make_config().train_dataloader.dataset.metainfo)
    metainfo['palette'] = [[7, 7, index] for index in range(3)]
    cfg = joined(make_config, metainfo=metainfo)
    with pytest.raises(ValueError, match='set 1 .* palette .*ignore_keys='):
        check_config(cfg)
    cfg.train_dataloader.dataset.ignore_keys = 'palette'
    check_config(cfg)
