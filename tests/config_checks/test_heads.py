"""Heads that the loss does not serve."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mmseg_sesam.config_checks import check_config

from .changes import MakeConfig, Spoil, assert_refused, head, stock_model


def cascade(cfg: Config) -> None:
    cfg.model.decode_head = [head(cfg), dict(head(cfg), type='OCRHead')]


def stock_cascade(cfg: Config) -> None:
    cascade(cfg)
    stock_model(cfg)
    cfg.model.type = 'CascadeEncoderDecoder'


def own_loss(cfg: Config) -> None:
    head(cfg).type = 'OCRHead'


def other_base_class(cfg: Config) -> None:
    head(cfg).type = 'MaskFormerHead'


def own_loss_of_few_classes(cfg: Config) -> None:
    auxiliary = dict(head(cfg), type='STDCHead', num_classes=2)
    cfg.model.auxiliary_head = [auxiliary]


def own_loss_of_stock_model(cfg: Config) -> None:
    stock_model(cfg)
    own_loss(cfg)


CASCADE = 'decode_head is a list of 2 heads, .* begin from .*hr18'
UNSERVED = {
    cascade: CASCADE,
    stock_cascade: CASCADE,
    own_loss: 'The decode_head OCRHead computes its loss .*; use a head with',
    other_base_class: 'The decode_head MaskFormerHead computes its loss',
    own_loss_of_few_classes: r'auxiliary_head\[0\] STDCHead computes its loss',
    own_loss_of_stock_model: 'The decode_head OCRHead computes its loss',
}


@pytest.mark.parametrize(
    ('spoil', 'found'),
    UNSERVED.items(),
    ids=[spoil.__name__ for spoil in UNSERVED],
)
def test_check_heads_rejects_heads_before_other_parts(
    make_config: MakeConfig, spoil: Spoil, found: str
) -> None:
    assert_refused(make_config, spoil, found)


def test_check_heads_leaves_heads_of_stock_trainings(
    make_config: MakeConfig,
) -> None:
    cfg = make_config()
    stock_cascade(cfg)
    del cfg.default_hooks['pseudo_labels']
    cfg.train_dataloader.dataset.pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadWeakAnnotations', num_classes=3),
        dict(type='PackSegInputs'),
    ]
    check_config(cfg)
