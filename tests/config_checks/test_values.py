"""Values that several parts of a config must agree on."""

from __future__ import annotations

import copy

import pytest
from mmengine.config import Config

from mmseg_sesam.config_checks import check_config

from .changes import MakeConfig, Spoil, add, assert_refused, find, head


def of_three(value: list[float]) -> Spoil:
    def spoil(cfg: Config) -> None:
        cfg.default_hooks.pseudo_labels.enrich_threshold = value

    return spoil


def change(name: str, **options: object) -> Spoil:
    """Changes options of a transform."""
    return lambda cfg: find(cfg, name).update(options)


def auxiliary(**options) -> Spoil:
    def spoil(cfg: Config) -> None:
        cfg.model.auxiliary_head = [
            dict(head(cfg), in_channels=32, in_index=2, **options)
        ]

    return spoil


def set_option(place: str, value: object) -> Spoil:
    def spoil(cfg: Config) -> None:
        cfg.merge_from_dict({place: value})

    return spoil


def regularize(scaling: dict) -> Spoil:
    def spoil(cfg: Config) -> None:
        cfg.model.regularizers = [dict(type='GatedCRFLoss')]
        add(scaling)(cfg)

    return spoil


def evaluate(loader: str, *classes: str) -> Spoil:
    """Evaluates by classes of other names, or in another order."""

    def spoil(cfg: Config) -> None:
        dataset = copy.deepcopy(cfg.train_dataloader.dataset)
        dataset.update(metainfo=dict(classes=classes), pipeline=[])
        cfg[loader] = dict(dataset=dataset)

    return spoil


DIFFERENT = {
    'head': (
        set_option('model.decode_head.ignore_index', 0),
        'The config has 0 as ignore_index of decode_head, .* index-png',
    ),
    'data set': (
        set_option('train_dataloader.dataset.ignore_index', 0),
        '0 as ignore_index of BaseSegDataset',
    ),
    'auxiliary': (auxiliary(ignore_index=1), '1 as .* of auxiliary_head'),
    'padding': (
        set_option('model.data_preprocessor.seg_pad_val', 0),
        '0 as seg_pad_val of data_preprocessor',
    ),
    'rotation': (
        add(dict(type='RandomRotate', prob=0.5, degree=9, seg_pad_val=0)),
        '0 as seg_pad_val of RandomRotate',
    ),
    'nested': (
        add(
            dict(
                type='RandomApply',
                transforms=dict(
                    type='RandomCutOut',
                    prob=1,
                    n_holes=1,
                    cutout_shape=(4, 4),
                    seg_fill_in=0,
                ),
            )
        ),
        '0 as seg_fill_in of RandomCutOut',
    ),
    'crop': (
        add(
            dict(
                type='RandomCrop',
                crop_size=(8, 8),
                cat_max_ratio=0.75,
                ignore_index=0,
            )
        ),
        '0 as ignore_index of RandomCrop',
    ),
    'classes of the loader': (
        change('LoadWeakAnnotations', num_classes=4),
        'training .*decode_head: 3, .*num_classes of LoadWeakAnnotations: 4',
    ),
    'classes of the auxiliary head': (
        auxiliary(num_classes=2),
        r'decode_head: 3, num_classes of auxiliary_head\[0\]: 2',
    ),
    'classes of the data set': (
        set_option('train_dataloader.dataset.metainfo.classes', ('a', 'b')),
        'training .*decode_head: 3, classes of the data set: 2',
    ),
    'classes by the class of the data set': (
        set_option(
            'val_dataloader',
            dict(dataset=dict(type='PascalVOCDataset', pipeline=[])),
        ),
        'validation .*decode_head: 3, classes of the data set: 21',
    ),
    'order of classes': (
        evaluate('val_dataloader', 'a', 'c', 'b'),
        r"of val_dataloader has .* it has them as \['a', 'c', 'b'\], expected",
    ),
    'names of classes': (
        evaluate('test_dataloader', 'a', 'b', 'd'),
        r"of test_dataloader has .* they differ in \['c', 'd'\], expected",
    ),
    'enrich_threshold': (
        of_three([0.9, 0.8]),
        'enrich_threshold for 2 classes',
    ),
    'range of colours': (
        regularize(dict(type='Rerange', min_value=0, max_value=1)),
        'holds Rerange, and model.regularizers expect values from 0 to 255',
    ),
    'normalized colours': (
        regularize(dict(type='mmcv.Normalize', mean=[0] * 3, std=[1] * 3)),
        'holds Normalize, .* set mean and std of model.data_preprocessor',
    ),
}


@pytest.mark.parametrize(
    ('spoil', 'found'), DIFFERENT.values(), ids=DIFFERENT.keys()
)
def test_check_config_rejects_values_that_differ(
    make_config: MakeConfig, spoil: Spoil, found: str
) -> None:
    assert_refused(make_config, spoil, found)


def test_check_config_names_all_other_values_of_unlabelled_pixels(
    make_config: MakeConfig,
) -> None:
    cfg = make_config()
    head(cfg).ignore_index = cfg.model.data_preprocessor.seg_pad_val = 200
    with pytest.raises(
        ValueError,
        match='200 as ignore_index of decode_head, 200 as seg_pad_val of d'
        '.* expected 255',
    ):
        check_config(cfg)
